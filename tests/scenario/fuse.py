"""A file system in user space with one empty directory: enough for statfs(2)
to say FUSE.  By the kernel's own protocol (linux/fuse.h), without a library;
needs root, /dev/fuse and a kernel that has it.
"""
import contextlib
import ctypes
import errno
import os
import stat
import struct
import threading

import harness

HEADER = struct.Struct("<IIQQIIII")
LOOKUP, FORGET, GETATTR, STATFS, INIT, BATCH_FORGET = 1, 2, 3, 17, 26, 42
UMOUNT_DETACH = 2


def _answer(opcode, node):
    """The body, or an errno."""
    if opcode == INIT:
        return struct.pack("<IIIIHHIIHHIIII", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0,
                           0, 0, 0, 0) + b"\0" * 16
    if opcode == GETATTR:
        attr = struct.pack("<QQQQQQIIIIIIIIII", node, 0, 0, 0, 0, 0, 0, 0, 0,
                           stat.S_IFDIR | 0o700, 2, os.geteuid(),
                           os.getegid(), 0, 512, 0)
        return struct.pack("<QII", 0, 0, 0) + attr
    if opcode == STATFS:
        return struct.pack("<QQQQQIIII", 1 << 20, 1 << 20, 1 << 20, 1000, 1000,
                           4096, 255, 4096, 0) + b"\0" * 24
    return errno.ENOENT if opcode == LOOKUP else errno.ENOSYS


def _serve(fd):
    while True:
        try:
            request = os.read(fd, 1 << 17)
        except OSError as e:
            if e.errno == errno.EINTR:
                continue
            return  # unmounted
        _, opcode, unique, node = HEADER.unpack_from(request)[:4]
        if opcode in (FORGET, BATCH_FORGET):
            continue
        said = _answer(opcode, node)
        body, error = (b"", -said) if isinstance(said, int) else (said, 0)
        with contextlib.suppress(OSError):
            os.write(fd, struct.pack("<IiQ", 16 + len(body), error, unique) +
                     body)


@contextlib.contextmanager
def mounted(directory):
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0:
        raise harness.Skip("mounting needs root")
    try:
        fd = os.open("/dev/fuse", os.O_RDWR)
    except OSError as e:
        raise harness.Skip("no FUSE here: %s" % e)
    options = "fd=%d,rootmode=40000,user_id=0,group_id=0" % fd
    if libc.mount(b"test", os.fsencode(directory), b"fuse", 0,
                  options.encode()) != 0:
        os.close(fd)
        raise harness.Skip("FUSE cannot be mounted here: %s" %
                           os.strerror(ctypes.get_errno()))
    server = threading.Thread(target=_serve, args=(fd,), daemon=True)
    server.start()
    try:
        yield
    finally:
        libc.umount2(os.fsencode(directory), UMOUNT_DETACH)
        server.join(5)
        os.close(fd)
