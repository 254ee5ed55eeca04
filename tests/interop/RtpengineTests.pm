# rtpengine's own test programs, unchanged, against a relay that is not rtpengine: perl -MRtpengineTests PROGRAM.
#
# Their expectations are texts, byte for byte. A relay that writes the same in other words must not fail by that alone, and one that
# does something else must not pass: here a description is read and compared by what it means (RtpengineSdp.pm), and a packet that does
# not come has a reason. Each difference has the name of a rule; docs/relay.md ("rtpengine's own tests") answers for those that are on
# purpose. At the end there is one JSON line for each call of the program in the file $RINGFORT_CASES: its name, how much was
# checked, and {rule: the first difference of it}.
package RtpengineTests;

use strict;
use warnings;
use IO::Select;
use JSON;
use Test::Builder;
use NGCP::Rtpengine::Test;
use NGCP::Rtpengine::AutoTest;
use NGCP::Rtpclient::ICE;
use RtpengineSdp;

my (@cases, $case);

sub begin {
	push(@cases, $case = { case => '', checks => 0, rules => {}, signaled => {}, seen => {}, tags => {}, answered => 0 });
	return;
}

sub differs {
	my ($rule, $what) = @_;
	begin() unless $case;
	$rule = $case->{work} if $rule eq 'codecs' && $case->{work};
	$rule = 'source' if $rule eq 'packet' && $case->{rules}{source};	# the queues of sockets are out of step by then
	$case->{rules}{$rule} //= $what;
	print("# $case->{case}: $rule: $what\n");
	return;
}

sub checked {
	begin() unless $case;
	$case->{checks}++;
	return;
}

END {
	my $status = $?;
	if ($ENV{RINGFORT_CASES}) {
		open(my $out, '>>', $ENV{RINGFORT_CASES}) or die($!);
		for my $c (grep { $_->{checks} } @cases) {
			print {$out} JSON->new->canonical->encode({ map { $_ => $c->{$_} } qw(case checks rules) }), "\n";
		}
		close($out);
	}
	$? = $status;	# the program's own
}

# What a party's description says of the addresses its media comes from.
sub signaled {
	my ($party, $sdp) = @_;
	my $here = $case->{signaled}{$party} = {};
	my ($session) = $sdp =~ /\A(?:(?!^m=).)*?^c=IN IP[46] (\S+)/ms;
	for my $media (split(/^(?=m=)/m, $sdp)) {
		my ($port) = $media =~ /^m=\S+ (\d+)/ or next;
		my ($address) = $media =~ /^c=IN IP[46] (\S+)/m;
		$here->{($address // $session // '') . ":$_"} = 1 for $port, $port + 1;
	}
	return;
}

# An answer names the tag of the key that it takes: that of the offer which the relay wrote, not of the one that theirs would have.
sub take_tags {
	my ($sdp) = @_;
	$sdp =~ s/^(a=crypto:)\d+( (\S+) )/$1 . ($case->{tags}{$3} \/\/ 1) . $2/gme;
	return $sdp;
}

sub give_tags {
	my ($sdp) = @_;
	$case->{tags} = { map { reverse(split(' ')) } $sdp =~ /^a=crypto:(\d+ \S+) /gm };
	return;
}

# A packet leaves; why it may get nowhere, if it does.
sub sent {
	my ($socket, $packet) = @_;
	my ($seq, $ssrc) = (unpack('CCnNN', $packet))[2, 4];
	my $seen = $case->{seen}{$ssrc // 0} //= {};
	$case->{silence} = !$case->{answered} ? 'unanswered' : !is_signaled($socket) ? 'source' : $seen->{$seq // 0}++ ? 'replay' : undef;
	return;
}

sub is_signaled {
	my ($socket) = @_;
	my $address = $socket->sockhost . ':' . $socket->sockport;
	return grep({ $_->{$address} } values(%{$case->{signaled}}));
}

# What the call was to do to its packets, where they are not those that are expected.
sub packet_rule { return $case->{work} // 'packet'; }

sub work_of {
	my ($request) = @_;
	$case->{work} //= 'ptime' if grep { defined($request->{$_}) } qw(ptime ptime-reverse);
	$case->{work} //= 'RTCP' if grep({ $_ eq 'generate RTCP' } @{$request->{flags} // []});
	$case->{work} //= 'transcoding' if $request->{codec}{transcode} || grep({ /transcod/ } @{$request->{flags} // []});
	return;
}

sub receive {
	my ($socket, $match, $open, $keys) = @_;
	checked();
	if (!IO::Select->new($socket)->can_read(0.4)) {
		differs($case->{silence} // (is_signaled($socket) ? packet_rule() : 'source'), 'no packet where one is expected');
		return;
	}
	$socket->recv(my $packet, 65535, 0);
	my $raw = $packet;
	$packet = $open->(unpack('CCnNN a*', $raw), $raw, $keys) if $open;
	my @parts = $packet =~ $match;
	$packet =~ $match or differs(packet_rule(), 'it is ' . unpack('H*', substr($packet, 0, 20)));
	for my $part (grep { defined } @parts) {
		my $n = length($part);
		$part = unpack($n == 2 ? 'n' : 'N', $part) if $n == 2 || $n == 4;
	}
	return @parts;
}

# What a program looks at itself, by is() and its like.
{
	no warnings 'redefine';
	my $ok = \&Test::Builder::ok;
	*Test::Builder::ok = sub {
		my (undef, $good, $name) = @_;
		checked() if $case;		# before the first call it is about the tests
		differs('value: ' . ($name // ''), 'it is another') unless $good || !$case;
		goto &$ok;
	};
}

{
	package NGCP::Rtpengine::AutoTest;
	no warnings qw(redefine once);

	*autotest_start = sub { return autotest_init(); };	# it runs already
	for my $name (grep { defined(&{"NGCP::Rtpengine::AutoTest::$_"}) } qw(new_call new_call_nc)) {
		no strict 'refs';
		my $theirs = \&$name;
		*$name = sub { RtpengineTests::begin(); goto &$theirs; };
	}
	my $rtpe_req = \&rtpe_req;
	*rtpe_req = sub {
		my ($command, $name) = @_;
		RtpengineTests::checked();
		$case->{case} ||= $name;
		RtpengineTests::work_of($_[2]);
		my $reply = eval { $rtpe_req->(@_) };
		if (!$reply) {
			my ($reason) = $@ =~ /Error reason: "(.*)"/s;
			RtpengineTests::differs('refused: ' . RtpengineSdp::rule_of($reason // $@), "'$command' of '$name': " . ($reason // $@));
		}
		$case->{answered} ||= $reply && $command eq 'answer';
		return $reply // { result => 'error' };
	};
	my $offer_answer = \&offer_answer;
	*offer_answer = sub {
		my ($command, $name, $request, $sdps) = @_;
		my ($in, $out) = sdp_split($sdps);
		my $party = $request->{$command eq 'answer' ? 'to-tag' : 'from-tag'} // ft();
		RtpengineTests::signaled($party, $in);
		$in = RtpengineTests::take_tags($in) if $command eq 'answer';
		return $offer_answer->($command, $name, $request, "$in--------\n$out");
	};
	for my $name (grep { defined(&{"NGCP::Rtpengine::AutoTest::$_"}) } qw(subscribe_answer)) {
		no strict 'refs';
		my $theirs = \&$name;
		*$name = sub {
			RtpengineTests::signaled('the recorder', $_[2]);
			goto &$theirs;
		};
	}
	*sdp_match = sub {
		my ($command, $name, $sdp, $expected) = @_;
		defined($sdp) or return;	# it was refused, which is noted
		RtpengineTests::checked();
		RtpengineTests::give_tags($sdp) if $command eq 'offer';
		my ($found, $differences) = RtpengineSdp::compare(crlf($expected), crlf($sdp));
		RtpengineTests::differs($_->[0], "'$command' of '$name': $_->[1]") for @$differences;
		return @$found;
	};
	for my $name (qw(snd srtp_snd)) {
		no strict 'refs';
		my $theirs = \&$name;
		*$name = sub {
			my ($socket, $port, $packet, $keys) = @_;
			if (!$port) {
				$case->{silence} = 'no port';	# because of what is noted already
				return;
			}
			RtpengineTests::sent($socket, $packet);
			goto &$theirs;
		};
	}
	*rcv = sub { return RtpengineTests::receive(@_[0, 2, 3, 4]); };
	*rcv_no = sub {
		my ($socket) = @_;
		RtpengineTests::checked();
		IO::Select->new($socket)->can_read(0.1) or return;
		$socket->recv(my $packet, 65535, 0);
		RtpengineTests::differs('packet', 'one too many: ' . unpack('H*', substr($packet, 0, 20)));
		return;
	};
}

# The programs on NGCP::Rtpengine::Test: Debian's ICE.pm calls two functions in a package that does not have them; some programs run
# until somebody stops them; and with $RINGFORT_HOLD nobody speaks before the answer.
{
	package NGCP::Rtpengine::Test;
	no warnings qw(redefine once);

	*NGCP::Rtpclient::ICE::Component::Pair::integrity = \&NGCP::Rtpclient::ICE::integrity;
	*NGCP::Rtpclient::ICE::Component::Pair::fingerprint = \&NGCP::Rtpclient::ICE::fingerprint;
	my $run = \&run;
	*run = sub {
		my ($test) = @_;
		$test->timer_once($ENV{RINGFORT_SECONDS}, sub { $test->stop(); }) if $ENV{RINGFORT_SECONDS};
		goto &$run;
	};

	package NGCP::Rtpengine::Test::Client;
	my $new = \&_new;
	*_new = sub {
		my ($class, $test, %args) = @_;
		$args{sockdomain} //= Socket::AF_INET() unless $args{ice};	# theirs: one family or the other by chance
		return $new->($class, $test, %args);
	};
	for my $name (qw(start_rtp start_rtcp)) {
		no strict 'refs';
		my $theirs = \&$name;
		*$name = sub {
			my ($self) = @_;
			my $early = $ENV{RINGFORT_HOLD} && !$self->{parent}{answered};
			push(@{$self->{parent}{held}}, sub { $theirs->($self); }) if $early;
			goto &$theirs unless $early;
		};
	}
	my $answer = \&answer;
	*answer = sub {
		my ($self) = @_;
		$answer->(@_);
		$self->{parent}{answered} = 1;
		$_->() for splice(@{$self->{parent}{held} //= []});
	};
}

1;
