"""Reads what dsrun encrypted, with the official driver and the master key.

    decrypt.py URI KEY PHONE     KEY: base64 of 96 bytes

One line of JSON: {"contacts": [...], "callrecords": [...], "byPhone": [...]}.
Encrypted values are {"plain": text, "key": base64 of its data key's id,
"how": 1 deterministic, 2 random}; others are as they lie there.  byPhone: the
_ids of contacts that a query for the encrypted phone finds.
"""
import base64
import json
import sys

from bson.binary import Binary
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.encryption import Algorithm, ClientEncryption


def main(uri, key, phone):
    client = MongoClient(uri, serverSelectionTimeoutMS=5000)
    crypt = ClientEncryption(
        {"local": {"key": base64.b64decode(key)}}, "encryption.__keyVault",
        client, CodecOptions())

    def plain(v):
        if isinstance(v, Binary) and v.subtype == 6:
            return {"plain": crypt.decrypt(v), "how": v[0],
                    "key": base64.b64encode(v[1:17]).decode()}
        if isinstance(v, dict):
            return {k: plain(x) for k, x in v.items()}
        if isinstance(v, list):
            return [plain(x) for x in v]
        return v

    db = client.get_default_database()
    wanted = crypt.encrypt(
        phone, key_alt_name="dsrun",
        algorithm=Algorithm.AEAD_AES_256_CBC_HMAC_SHA_512_Deterministic)
    print(json.dumps({
        "contacts": [plain(d) for d in db.contacts.find().sort("_id")],
        "callrecords": [plain(d) for d in db.callrecords.find()],
        "byPhone": [d["_id"] for d in db.contacts.find({"phone": wanted})],
    }, default=str))


main(*sys.argv[1:])
