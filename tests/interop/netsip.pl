# A phone on Net::SIP (Debian: libnet-sip-perl), a SIP stack in Perl, for test_netsip.py. One call:
#   netsip.pl ADDRESS:PORT CONTROLLER DOMAIN NUMBER USER PASSWORD listen          registers, answers, says "rings",
#                                                                                "left" when the other hung up
#   netsip.pl ... dial NUMBER                                                     registers, calls, hangs up
use strict;
use warnings;
use Net::SIP;

$| = 1;
my ($own, $controller, $domain, $number, $user, $password, $what, $other) = @ARGV;
my $ua = Net::SIP::Simple->new(
	legs => [$own], outgoing_proxy => $controller, registrar => $controller, domain => $domain,
	from => "sip:$number\@$domain", auth => [$user, $password],
);
$ua->register(expires => 300) or die 'register: ' . $ua->error . "\n";
print "registered\n";
if ($what eq 'listen') {
	my $left;
	$ua->listen(
		init_media => $ua->rtp('media_recv_echo'),
		cb_established => sub { print "rings\n" },
		recv_bye => \$left,
	);
	$ua->loop(15, \$left);
	die "nobody hung up\n" unless $left;
	$ua->loop(0.3); # the answer to BYE leaves
	print "left\n";
} else {
	my $call = $ua->invite("sip:$other\@$domain", init_media => $ua->rtp('media_recv_echo'));
	die 'invite: ' . $ua->error . "\n" if !$call || $ua->error;
	print "answered\n";
	$ua->loop(0.5);
	my $over;
	$call->bye(cb_final => \$over);
	$ua->loop(5, \$over);
	die "BYE was not answered\n" unless $over;
	print "over\n";
}
