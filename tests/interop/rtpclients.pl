#!/usr/bin/perl
# Two parties made of rtpengine's own test clients (Debian's rtpengine-utils), through a relay: rtpclients.pl PORT MEDIA-PORT MODE.
# The last line of output: packets sent and received of both, "a 100 100 b 100 100".
use strict;
use warnings;
use Socket;
use NGCP::Rtpengine::Test;

# Debian's ICE.pm calls these two in a package that does not have them.
{
	no warnings 'once';
	*NGCP::Rtpclient::ICE::Component::Pair::integrity = \&NGCP::Rtpclient::ICE::integrity;
	*NGCP::Rtpclient::ICE::Component::Pair::fingerprint = \&NGCP::Rtpclient::ICE::fingerprint;
}

my ($port, $media_port, $mode) = @ARGV;
my %modes = (
	'plain' => [{}, {}],
	'sdes' => [{ sdes => 1 }, { sdes => 1 }],
	'sdes-plain' => [{ sdes => 1 }, {}, 'transport-protocol' => 'RTP/AVP'],
	'plain-sdes' => [{}, { sdes => 1 }, 'transport-protocol' => 'RTP/SAVP'],
	'ice' => [{ ice => 1 }, { ice => 1 }],
	'ice-plain' => [{ ice => 1 }, {}, ICE => 'remove'],
	'plain-ice' => [{}, { ice => 1 }, ICE => 'force'],
	'sdes-ice' => [{ sdes => 1 }, { sdes => 1, ice => 1 }, ICE => 'force'],
);
my ($first, $second, %words) = @{$modes{$mode} or die("no mode $mode")};
$ENV{RTPE_TEST_V4_ADDRS} = '127.0.0.1';
$ENV{RTPE_TEST_V6_ADDRS} = '::1';
my $test = NGCP::Rtpengine::Test->new(host => '127.0.0.1', port => $port, media_port => $media_port);
my ($a, $b) = $test->client_pair({ %$first, sockdomain => Socket::AF_INET }, { %$second, sockdomain => Socket::AF_INET });

$a->offer($b, %words);
$b->{sdes} and $b->{sdes}->trim(); # an answer has one key
$b->answer($a);

# Speech begins when both sides' nominations are through, and ends after a hundred packets.
my $ends = 0;
my $wait = sub {
	for my $c ($a, $b) {
		my $ice = $c->{ice} or next;
		my $pair = $ice->{nominated_pair} or return 0;
		@{$ice->{triggered_checks}} and return 0;
		grep({ $_->{state} ne 'succeeded' } @{$pair->{components}}) and return 0;
	}
	return 1;
};
my $look;
$look = sub {
	if (!$ends && $wait->()) {
		$a->start_rtp();
		$b->start_rtp();
		$ends = 1;
	}
	if ($ends && $a->{media_packets_received}[0] >= 100 && $b->{media_packets_received}[0] >= 100) {
		$test->stop();
		return;
	}
	$test->timer_once(0.05, $look);
};
$test->timer_once(0.05, $look);
$test->run();
my $reply = $a->teardown();
$reply->{totals}{RTP}{packets} >= 200 or die("the relay has counted $reply->{totals}{RTP}{packets} packets");
print("a $a->{media_packets_sent}[0] $a->{media_packets_received}[0] b $b->{media_packets_sent}[0] $b->{media_packets_received}[0]\n");
