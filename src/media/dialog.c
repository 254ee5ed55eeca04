/* Which two parties a command is about. SIP names them by tags; a proxy that forks names branches; a callee has no tag
 * until it answers. */
#include "media/session.h"

/* The side of this pair that has the tag, -1: none. */
static int side_of(const struct rf_pair *p, struct rf_view tag)
{
	for (int side = 0; side < 2; side++)
		if (p->side[side]->tag.n && rf_view_eq(p->side[side]->tag, tag))
			return side;
	return -1;
}

static bool branch_fits(const struct rf_pair *p, struct rf_view branch)
{
	return branch.n == 0 || p->branch.n == 0 || rf_view_eq(p->branch, branch);
}

/* A pair between these two, of this branch where several fit; NULL: none. */
static struct rf_pair *between(const struct rf_session *s, struct rf_view from, struct rf_view to,
			       struct rf_view branch)
{
	struct rf_pair *found = NULL;

	for (struct rf_pair *p = s->pairs; p; p = p->next) {
		int side = side_of(p, from);

		if (side < 0 || side_of(p, to) != !side)
			continue;
		if (!found || rf_view_eq(p->branch, branch))
			found = p;
	}
	return found;
}

/* One who answered and had to give way to another answerer speaks again, or is spoken to: it is its turn. */
static struct rf_pair *return_of(struct rf_session *s, struct rf_view one, struct rf_view other)
{
	struct rf_party *party = rf_session_party(s, one);
	int side = party && party->once ? side_of(party->once, other) : -1;

	if (side < 0)
		return NULL;
	party->once->side[!side]->once = party->once;
	party->once->side[!side] = party;
	return party->once;
}

/* A pair of `from` whose other side has no tag yet. exact: of just this branch. */
static struct rf_pair *half(const struct rf_session *s, struct rf_view from, struct rf_view branch, bool exact)
{
	for (struct rf_pair *p = s->pairs; p; p = p->next) {
		int side = side_of(p, from);

		if (side >= 0 && !p->side[!side]->tag.n &&
		    (exact ? rf_view_eq(p->branch, branch) : branch_fits(p, branch)))
			return p;
	}
	return NULL;
}

/* A pair of `from` with anybody: of just this branch, or, where none is given, the one that talked last. */
static struct rf_pair *any_of(const struct rf_session *s, struct rf_view from, struct rf_view branch)
{
	struct rf_pair *found = NULL;

	for (struct rf_pair *p = s->pairs; p; p = p->next) {
		if (side_of(p, from) < 0 || (branch.n && !rf_view_eq(p->branch, branch)))
			continue;
		if (!found || p->answered)
			found = p;
	}
	return found;
}

/* The other side of a pair is, from now on, the party with this tag. */
static int name_party(struct rf_turn *t, struct rf_pair *p, int side, struct rf_view tag)
{
	struct rf_session *s = p->session;
	struct rf_party *party = rf_session_party(s, tag), *before = p->side[side];
	int rc = party ? 0 : rf_session_party_new(t, s, tag, &party);

	if (rc)
		return rc;
	if (before->tag.n)
		before->once = p;
	p->side[side] = party;
	rf_session_tidy(s);
	return 0;
}

static int check_tags(struct rf_turn *t)
{
	return rf_view_eq(t->req->from_tag, t->req->to_tag) ?
	       rf_turn_fail(t, RF_E_STATE, "from-tag and to-tag are the same") : 0;
}

static struct rf_pair *known_pair(struct rf_turn *t, struct rf_session *s)
{
	const struct rf_ng_request *q = t->req;
	struct rf_pair *p;

	if (q->to_tag.n == 0)
		return NULL;
	p = between(s, q->from_tag, q->to_tag, q->via_branch);
	if (!p)
		p = return_of(s, q->to_tag, q->from_tag);
	return p ? p : return_of(s, q->from_tag, q->to_tag);
}

static int begin(struct rf_turn *t, struct rf_session *s, struct rf_pair **ret_pair)
{
	const struct rf_ng_request *q = t->req;
	struct rf_party *a = rf_session_party(s, q->from_tag), *b = rf_session_party(s, q->to_tag);
	int rc = a ? 0 : rf_session_party_new(t, s, q->from_tag, &a);

	if (rc == 0 && !b)
		rc = rf_session_party_new(t, s, q->to_tag, &b);
	return rc ? rc : rf_duo_new(t, s, a, b, ret_pair);
}

int rf_dialog_offer(struct rf_turn *t, struct rf_session *s, struct rf_pair **ret_pair, unsigned *ret_side)
{
	const struct rf_ng_request *q = t->req;
	int rc = check_tags(t);
	struct rf_pair *p = rc ? NULL : known_pair(t, s);

	if (rc)
		return rc;
	if (!p && q->to_tag.n) {
		p = half(s, q->from_tag, q->via_branch, false);
		if (p)
			rc = name_party(t, p, !side_of(p, q->from_tag), q->to_tag);
	} else if (!p) {
		p = half(s, q->from_tag, q->via_branch, true);
		if (!p)
			p = any_of(s, q->from_tag, q->via_branch);
	}
	if (rc == 0 && !p)
		rc = begin(t, s, &p);
	if (rc)
		return rc;
	*ret_pair = p;
	*ret_side = (unsigned)side_of(p, q->from_tag);
	return 0;
}

int rf_dialog_answer(struct rf_turn *t, struct rf_session *s, struct rf_pair **ret_pair, unsigned *ret_side)
{
	const struct rf_ng_request *q = t->req;
	struct rf_pair *p;
	int side, rc = check_tags(t);

	if (rc)
		return rc;
	p = known_pair(t, s);
	if (!p)
		p = half(s, q->from_tag, q->via_branch, true);
	if (!p)
		p = half(s, q->from_tag, q->via_branch, false);
	if (!p)
		p = any_of(s, q->from_tag, q->via_branch);
	if (!p)
		p = any_of(s, q->from_tag, (struct rf_view){ 0 });
	if (!p || !p->placed)
		return rf_turn_fail(t, RF_E_NOT_FOUND, "no offer of from-tag \"%.*s\" waits for this answer",
				    RF_VFMT(q->from_tag));
	side = !side_of(p, q->from_tag);
	if (!rf_view_eq(p->side[side]->tag, q->to_tag)) {
		rc = name_party(t, p, side, q->to_tag);
		if (rc)
			return rc;
	}
	*ret_pair = p;
	*ret_side = (unsigned)side;
	return 0;
}

bool rf_dialog_is_answer(const struct rf_turn *t, const struct rf_session *s)
{
	const struct rf_ng_request *q = t->req;
	const struct rf_pair *p = q->to_tag.n ? between(s, q->from_tag, q->to_tag, q->via_branch) : NULL;

	if (q->to_tag.n == 0)
		return false;
	if (!p)
		p = half(s, q->to_tag, q->via_branch, false);
	if (!p) {
		/* Another answerer of the same offer. */
		p = any_of(s, q->to_tag, q->via_branch);
		return p && p->by_offers && p->offerer == side_of(p, q->to_tag) && !rf_session_party(s, q->from_tag);
	}
	if (p->offerer != side_of(p, q->to_tag) || (p->answered && !p->by_offers))
		return false;
	return p->offered || (p->by_offers && p->answer_hash == rf_hash(&t->relay->conf.hash_key, q->sdp));
}

/* Does a delete with these tags and this branch mean this pair? No from-tag: it means the whole session. */
static bool meant(const struct rf_ng_request *q, const struct rf_pair *p, bool to_known)
{
	int side = side_of(p, q->from_tag);

	if (q->from_tag.n == 0)
		return true;
	if (side < 0)
		return false;
	if (q->to_tag.n && to_known)
		return side_of(p, q->to_tag) == !side;
	if (q->to_tag.n)
		return !p->side[!side]->tag.n && branch_fits(p, q->via_branch);
	return branch_fits(p, q->via_branch);
}

/* Only one of several answerers of an offer leaves. */
static bool leaves_alone(struct rf_session *s, const struct rf_ng_request *q)
{
	struct rf_party *party = rf_session_party(s, q->to_tag);
	struct rf_pair *once = party ? party->once : NULL;

	if (!once || party == once->side[0] || party == once->side[1] || side_of(once, q->from_tag) < 0)
		return false;
	party->once = NULL;
	rf_session_tidy(s);
	return true;
}

bool rf_dialog_delete(struct rf_turn *t, struct rf_session *s)
{
	const struct rf_ng_request *q = t->req;
	bool to_known = q->to_tag.n && rf_session_party(s, q->to_tag), found = false;

	if (to_known && leaves_alone(s, q))
		return true;
	for (struct rf_pair *p = s->pairs, *next; p; p = next) {
		next = p->next;
		if (!meant(q, p, to_known))
			continue;
		found = true;
		rf_duo_free(p);
	}
	return found;
}
