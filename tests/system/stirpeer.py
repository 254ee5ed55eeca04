"""Another organisation that signs its calls: authorities made with OpenSSL's command line, tokens made and read by PyJWT."""
import subprocess
import time

import jwt

EXTENSIONS = """\
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
1.3.6.1.5.5.7.1.26 = ASN1:SEQUENCE:list
[list]
0 = EXP:{tag},IA5:{value}
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
"""


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


class Organisation:
    """An authority, an intermediate and a certificate for one number (or, spc, for a provider's code), in folder."""

    def __init__(self, folder, number=None, spc=None, days=30):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        conf = folder / "x.cnf"
        conf.write_text(EXTENSIONS.format(tag=0 if spc else 2, value=spc or number))
        for name in ("root", "middle", "leaf"):
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / f"{name}.key")
        openssl("req", "-x509", "-new", "-key", folder / "root.key", "-subj", "/CN=root", "-days", days, "-out",
                folder / "root.pem", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        for name, above, section in (("middle", "root", "ca"), ("leaf", "middle", "leaf")):
            openssl("req", "-new", "-key", folder / f"{name}.key", "-subj", f"/CN={name}", "-out", folder / f"{name}.csr")
            openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{above}.pem", "-CAkey",
                    folder / f"{above}.key", "-CAcreateserial", "-days", days, "-extfile", conf, "-extensions", section,
                    "-out", folder / f"{name}.pem")
        (folder / "chain.pem").write_text((folder / "leaf.pem").read_text() + (folder / "middle.pem").read_text())
        self.root, self.chain, self.key = folder / "root.pem", folder / "chain.pem", folder / "leaf.key"
        self.key.chmod(0o600)

    def identity(self, orig, dest, url, attest="A", iat=None, ppt="shaken", key=None):
        """The value of an Identity header."""
        claims = {"dest": {"tn": [dest]}, "iat": int(time.time()) if iat is None else iat, "orig": {"tn": orig}}
        headers = {"typ": "passport", "x5u": url}
        if ppt:
            headers["ppt"] = ppt
            claims |= {"attest": attest, "origid": "123e4567-e89b-42d3-a456-426655440000"}
        token = jwt.encode(claims, (key or self.key).read_text(), algorithm="ES256", headers=headers)
        return f"{token};info=<{url}>;alg=ES256" + (f";ppt={ppt}" if ppt else "")


def read(value, certificate):
    """Header and claims of an Identity header whose signature certificate (a file) verifies; raises otherwise."""
    from cryptography import x509
    token, *params = value.split(";")
    public = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    claims = jwt.decode(token, public, algorithms=["ES256"], options={"verify_iat": False})
    return jwt.get_unverified_header(token), claims, params
