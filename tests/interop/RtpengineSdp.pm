# Two session descriptions: the one that a test of rtpengine expects, with words like PORT where any value will do, and the one that
# came. They are compared by what they mean.
package RtpengineSdp;

use strict;
use warnings;

# Attributes that say what holds without them, and such as stand in another place of the same description.
my %STATIC = (0 => 'PCMU/8000', 3 => 'GSM/8000', 4 => 'G723/8000', 8 => 'PCMA/8000', 9 => 'G722/8000', 13 => 'CN/8000',
	18 => 'G729/8000');

# Rules of differences, by the name of the attribute that is missing or too many; any other name is a rule of its own.
my %RULES = (
	'candidate' => 'ICE lite', 'ice-lite' => 'ICE lite', 'end-of-candidates' => 'ICE lite', 'ice-options' => 'ICE lite',
	'remote-candidates' => 'ICE lite', 'fingerprint' => 'DTLS', 'setup' => 'DTLS', 'tls-id' => 'DTLS', 'crypto' => 'suites',
	'group' => 'bundle', 'mid' => 'bundle', 'rtcp-mux' => 'rtcp-mux', 'rtcp' => 'rtcp', 'rtpmap' => 'codecs', 'fmtp' => 'codecs',
	'ice-ufrag' => 'ICE lite', 'ice-pwd' => 'ICE lite', 'ptime' => 'ptime', 'rtpengine' => 'loop protect',
);

sub parse {
	my ($text) = @_;
	my ($session, @media) = split(/^(?=m=)/m, $text);
	my $read = sub {
		my %part = (attributes => [], lines => {});
		for my $line (split(/\n/, $_[0])) {
			my ($letter, $value) = $line =~ /^(\w)=(.*)$/ or next;
			if ($letter eq 'a') {
				push(@{$part{attributes}}, $value);
			}
			else {
				$part{lines}{$letter} = $value;
			}
		}
		return \%part;
	};
	my $all = { %{$read->($session)}, media => [ map { $read->($_) } @media ] };
	$_->{lines}{c} //= $all->{lines}{c} for @{$all->{media}};
	return $all;
}

sub values_of {
	my ($part, $name) = @_;
	return map { /^\Q$name\E(?::(.*))?$/ ? $1 // '' : () } @{$part->{attributes}};
}

# What an attribute has to be: its text with patterns in the place of words.
sub pattern {
	my ($text) = @_;
	my $re = quotemeta($text);
	$re =~ s/\\\?/.*/g;
	$re =~ s/SDP_VERSION/\\d+ \\d+/g;
	$re =~ s/(?:PORT|ICEBASE|ICEUFRAG|ICEPWD|FINGERPRINT256|FINGERPRINT|LOOPER|RTPE_VERSION|TLS_ID)/\\S+/g;
	$re =~ s/CRYPTO(?:128S|128|192|256S|256)/\\S+/g;
	return qr/^$re$/;
}

sub suites { return map { (split(' '))[1] } values_of($_[0], 'crypto'); }

# A media line of theirs beside ours: differences as [rule, words].
sub compare_media {
	my ($n, $want, $got) = @_;
	my @out;
	my ($kind, $port, $proto, @formats) = split(' ', $want->{lines}{m});
	my ($kind2, $port2, $proto2, @formats2) = split(' ', $got->{lines}{m});
	push(@out, ['line', "m=$kind2 for m=$kind"]) if $kind ne $kind2;
	push(@out, ['line', "line $n has port $port2, theirs $port"]) if ($port eq '0') ne ($port2 eq '0');
	push(@out, ['protocol', "$proto2 for $proto"]) if $proto ne $proto2;
	push(@out, ['codecs', "formats @formats2 for @formats"]) if $port ne '0' && "@formats" ne "@formats2";
	return @out if $port2 eq '0';
	push(@out, ['address', "c=" . ($got->{lines}{c} // '') . " for " . ($want->{lines}{c} // '')])
		if ($want->{lines}{c} // '') ne ($got->{lines}{c} // '');
	return (@out, compare_attributes($want, $got));
}

sub told_anyway {
	my ($part, $attribute) = @_;
	my (undef, $port) = split(' ', $part->{lines}{m} // '');
	return 1 if $attribute eq 'sendrecv';
	return 1 if $attribute =~ /^rtcp:(\S+)/ && ($1 eq 'PORT' || $1 eq $port + 1);
	return 1 if $attribute =~ /^rtpmap:(\d+) (\S+?)(?:\/1)?$/ && ($STATIC{$1} // '') eq $2;
	return 0;
}

sub compare_attributes {
	my ($want, $got) = @_;
	my @out;
	my @left = grep { !/^crypto:/ } @{$got->{attributes}};
	for my $attribute (grep { !/^crypto:/ } @{$want->{attributes}}) {
		my $re = pattern($attribute);
		my ($at) = grep { $left[$_] =~ $re } 0 .. $#left;
		if (defined($at)) {
			splice(@left, $at, 1);
			next;
		}
		push(@out, [rule_of_attribute($attribute), "without a=$attribute"]) unless told_anyway($want, $attribute);
	}
	push(@out, [rule_of_attribute($_), "with a=$_"]) for grep { !told_anyway($got, $_) } @left;
	$_->[0] = 'ICE unasked' for grep { $_->[1] =~ /^without a=(?:ice-|cand)/ && !values_of($got, 'ice-ufrag') } @out;
	my ($theirs, $ours) = (join(' ', suites($want)), join(' ', suites($got)));
	push(@out, ['suites', "keys for " . ($ours || 'none') . ", theirs " . ($theirs || 'none')]) if $theirs ne $ours;
	for my $key (grep { !/CRYPTO/ } values_of($want, 'crypto')) {
		my (undef, $suite, $inline) = split(' ', $key);
		my ($same) = grep { (split(' '))[1] eq $suite } values_of($got, 'crypto');
		$inline =~ s/\?$//;
		push(@out, ['keys', "another key of $suite"]) if $same && index((split(' ', $same))[2], $inline) != 0;
	}
	return @out;
}

sub rule_of_attribute {
	my ($name) = $_[0] =~ /^([^:]+)/;
	return $RULES{$name} // "a=$name";
}

# What stands in our description where theirs has one of the words that stand for a value, in the order of theirs.
sub found {
	my ($want, $got) = @_;
	my @out = map { /LOOPER/ ? '' : () } @{$want->{attributes}};
	for my $n (0 .. $#{$want->{media}}) {
		my ($w, $g) = ($want->{media}[$n], $got->{media}[$n] // { attributes => [], lines => { m => '' } });
		my (undef, $port) = split(' ', $g->{lines}{m});
		push(@out, $port) if $w->{lines}{m} =~ /PORT/;
		push(@out, map { value($_, $g, $port) } @{$w->{attributes}});
	}
	return \@out;
}

sub value {
	my ($attribute, $got, $port) = @_;
	if ($attribute =~ /^rtcp:PORT/) {
		my ($rtcp) = map { (split(' '))[0] } values_of($got, 'rtcp');
		return $rtcp // (values_of($got, 'rtcp-mux') ? $port : $port && $port + 1);
	}
	if ($attribute =~ /^candidate:ICEBASE (\d) \S+ \S+ (\S+) PORT/) {
		my @mine = map { [split(' ')] } values_of($got, 'candidate');
		my ($same) = grep { $_->[1] eq $1 } @mine;
		return ($same ? $same->[0] : undef, $same ? $same->[5] : undef);
	}
	if ($attribute =~ /^crypto:\S+ (\S+) inline:CRYPTO/) {
		my $suite = $1;
		my ($key) = grep { (split(' '))[1] eq $suite } values_of($got, 'crypto');
		my ($inline) = ($key // '') =~ /inline:([^=|\s]+)/;
		return $inline;
	}
	if ($attribute =~ /^(ice-ufrag|ice-pwd|fingerprint|tls-id):.*(?:ICE|FINGERPRINT|TLS_ID)/) {
		my ($mine) = values_of($got, $1);
		$mine =~ s/^\S+ // if defined($mine) && $1 eq 'fingerprint';
		return $mine;
	}
	return ();
}

# ([values], [[rule, words]...])
sub compare {
	my ($expected, $came) = @_;
	my ($want, $got) = (parse($expected), parse($came));
	my @out;
	# o= and s= are the relay's own, always
	push(@out, ['line', @{$got->{media}} . ' lines for ' . @{$want->{media}}]) if @{$want->{media}} != @{$got->{media}};
	push(@out, compare_attributes({ %$want, lines => {} }, { %$got, lines => {} }));
	for my $n (0 .. $#{$want->{media}}) {
		push(@out, compare_media($n, $want->{media}[$n], $got->{media}[$n])) if $got->{media}[$n];
	}
	return (found($want, $got), \@out);
}

# The rule of a refusal, by what the relay says: the word that it names.
sub rule_of {
	my ($reason) = @_;
	return $1 if $reason =~ /^"([^"]+)"/;
	return substr($reason =~ s/[\n\r].*//sr, 0, 60);
}

1;
