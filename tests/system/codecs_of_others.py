"""Speech of codecs as samples and back, by libraries of others (libopus, spandsp): what a relay made is judged with these."""
import array
import ctypes

from ears import alaw, ulaw

opus, spandsp = ctypes.CDLL("libopus.so.0"), ctypes.CDLL("libspandsp.so.2")
for name in ("opus_encoder_create", "opus_decoder_create"):
    getattr(opus, name).restype = ctypes.c_void_p
for name in ("g722_encode_init", "g722_decode_init"):
    getattr(spandsp, name).restype = ctypes.c_void_p
VOIP, LOW = 2048, 1  # of opus_encoder_create; G722_SAMPLE_RATE_8000


class G711:
    def __init__(self, law):
        self.law = law
        self.levels = sorted((law(b), b) for b in range(256))

    def encode(self, samples):
        return bytes(min(self.levels, key=lambda level: abs(level[0] - s))[1] for s in samples)

    def decode(self, payload):
        return [self.law(b) for b in payload]


class Opus:
    def __init__(self):
        err = ctypes.c_int()
        self.out = ctypes.c_void_p(opus.opus_encoder_create(8000, 1, VOIP, ctypes.byref(err)))
        self.inp = ctypes.c_void_p(opus.opus_decoder_create(8000, 1, ctypes.byref(err)))

    def encode(self, samples):
        buf = ctypes.create_string_buffer(1500)
        pcm = array.array("h", samples)
        n = opus.opus_encode(self.out, ctypes.c_void_p(pcm.buffer_info()[0]), len(pcm), buf, 1500)
        assert n > 0
        return buf.raw[:n]

    def decode(self, payload):
        pcm = array.array("h", bytes(2 * 960))
        n = opus.opus_decode(self.inp, payload, len(payload), ctypes.c_void_p(pcm.buffer_info()[0]), 960, 0)
        assert n > 0
        return pcm[:n].tolist()


class G722:
    def __init__(self):
        self.out = ctypes.c_void_p(spandsp.g722_encode_init(None, 64000, LOW))
        self.inp = ctypes.c_void_p(spandsp.g722_decode_init(None, 64000, LOW))

    def encode(self, samples):
        pcm = array.array("h", samples)
        buf = ctypes.create_string_buffer(len(pcm))
        n = spandsp.g722_encode(self.out, buf, ctypes.c_void_p(pcm.buffer_info()[0]), len(pcm))
        return buf.raw[:n]

    def decode(self, payload):
        pcm = array.array("h", bytes(4 * len(payload)))
        n = spandsp.g722_decode(self.inp, ctypes.c_void_p(pcm.buffer_info()[0]), payload, len(payload))
        return pcm[:n].tolist()


# name in a description: payload type, how to make one, ticks of its clock in 20 ms
CODECS = {"PCMU/8000": (0, lambda: G711(ulaw), 160), "PCMA/8000": (8, lambda: G711(alaw), 160), "G722/8000": (9, G722, 160),
          "opus/48000/2": (96, Opus, 960)}
