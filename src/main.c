/* The roof: the processes beside the controller (keeper, fetcher, notifier, announcer, a wall's hand) are told apart
 * from everything that a person types. */
#include "cmd/cmd.h"
#include "role/announcer.h"
#include "role/fetcher.h"
#include "role/hand.h"
#include "role/keeper.h"
#include "role/notifier.h"

#include <string.h>

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], RF_KEEPER_ROLE) == 0)
		return rf_keeper_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], RF_NOTIFIER_ROLE) == 0)
		return rf_notifier_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], RF_FETCHER_ROLE) == 0)
		return rf_fetcher_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], RF_ANNOUNCER_ROLE) == 0)
		return rf_announcer_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], RF_HAND_ROLE) == 0)
		return rf_hand_main(argc, argv);
	return rf_cmd_main(argc, argv);
}
