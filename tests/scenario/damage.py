"""Breaking a journal's files byte by byte: what the tests of damage share.

SQLite is asked only where its pages and rows lie.  Nothing here may run while
a dsrun is at work.
"""
import contextlib
import shutil
import sqlite3
import struct

PAGE = 4096


class Saved:
    """The journal's files as they are now, to be put back in place: a new
    inode would be another file to dsrun."""
    NAMES = ("journal.db", "journal.db-wal", "journal.lock", "owners.lock")

    def __init__(self, box):
        self.box = box
        self.bytes = {name: (box.data / name).read_bytes()
                      for name in self.NAMES if (box.data / name).exists()}

    def put_back(self):
        for name in self.NAMES:
            path = self.box.data / name
            if name not in self.bytes:
                path.unlink(missing_ok=True)
                continue
            with open(path, "r+b" if path.exists() else "wb") as f:
                f.truncate(0)
                f.write(self.bytes[name])
        (self.box.data / "journal.db-shm").unlink(missing_ok=True)


def pages(box):
    """{(table or index, "leaf" or "internal"): [page numbers]}, from a copy.
    The -wal must be empty."""
    path = box.path("pages.db")
    shutil.copyfile(box.data / "journal.db", path)
    found = {}
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=DELETE")
        for name, kind, page in db.execute(
                "SELECT name, pagetype, pageno FROM dbstat ORDER BY pageno"):
            found.setdefault((name, kind), []).append(page)
    path.unlink()
    return found


def write(path, offset, data):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(data)


def overwrite(box, page, offset=0, data=b"\xa5" * PAGE):
    write(box.data / "journal.db", (page - 1) * PAGE + offset, data)


def freelist(box):
    """The first trunk page of what is free, and how many pages are."""
    head = (box.data / "journal.db").read_bytes()[:40]
    return struct.unpack(">II", head[32:40])


# --- rows in leaf pages of tables ---

def _varint(data, at):
    value = 0
    for i in range(9):
        byte = data[at + i]
        if i == 8:
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 0x7f)
        if byte < 0x80:
            return value, at + i + 1
    raise AssertionError


def _size(serial):
    if serial >= 12:
        return (serial - 12) // 2
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[serial]


class Row:
    """Where a row lies: its page, its place in the page's list of cells, and
    (offset in the file, bytes) of each column."""

    def __init__(self, box, table, rowid):
        data = (box.data / "journal.db").read_bytes()
        for self.page in pages(box)[(table, "leaf")]:
            self.start = (self.page - 1) * PAGE
            self.cells = struct.unpack_from(">H", data, self.start + 3)[0]
            for self.cell in range(self.cells):
                at = self.start + struct.unpack_from(
                    ">H", data, self.start + 8 + 2 * self.cell)[0]
                _, at = _varint(data, at)
                found, at = _varint(data, at)
                if found == rowid:
                    self._columns(data, at)
                    self.data = data
                    return
        raise AssertionError("%s has no row %d" % (table, rowid))

    def _columns(self, data, at):
        self.columns = []
        length, header = _varint(data, at)
        end = body = at + length
        while header < end:
            serial, header = _varint(data, header)
            self.columns.append((body, _size(serial)))
            body += _size(serial)


def flip(box, table, rowid, column, bit=0):
    """One bit of one value, in its last byte."""
    offset, size = Row(box, table, rowid).columns[column]
    assert size > 0, "nothing is stored there"
    path = box.data / "journal.db"
    byte = path.read_bytes()[offset + size - 1]
    write(path, offset + size - 1, bytes([byte ^ (1 << bit)]))


def remove(box, table, rowid):
    """The row behind SQLite's back: its place in the list of cells."""
    row = Row(box, table, rowid)
    first = row.start + 8
    list_ = row.data[first:first + 2 * row.cells]
    left = list_[:2 * row.cell] + list_[2 * row.cell + 2:] + b"\0\0"
    write(box.data / "journal.db", first, left)
    write(box.data / "journal.db", row.start + 3,
          struct.pack(">H", row.cells - 1))
