"""Empties UDP sockets with as few calls as possible: many datagrams at once, each with the kernel's time of arrival.

The kernel notes the time when a datagram gets to the socket, so a reader may sleep and still tell how long it took.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from typing import Any

from cffi import FFI

BATCH = 64
_TIMESTAMP_NS = 35  # SO_TIMESTAMPNS of asm-generic/socket.h
_CONTROL_BYTES = 32  # CMSG_SPACE(sizeof(struct timespec))
_TIMESPEC = struct.Struct("=qq")
_TIMESPEC_AT = 16

_ffi = FFI()
_ffi.cdef("""
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr { void *msg_name; uint32_t msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
                    void *msg_control; size_t msg_controllen; int msg_flags; };
    struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
    int recvmmsg(int sockfd, struct mmsghdr *msgvec, unsigned int vlen, int flags, void *timeout);
""")
_libc: Any = _ffi.dlopen(None)


def want_times(of: socket.socket) -> None:
    """From now on the kernel notes when each datagram arrived."""
    of.setsockopt(socket.SOL_SOCKET, _TIMESTAMP_NS, 1)


class Drain:
    """One buffer for many sockets; what is longer than `slot_bytes` is cut off. Linux only."""

    def __init__(self, slot_bytes: int) -> None:
        if sys.platform != "linux":
            raise RuntimeError("the benchmark's receivers need Linux")
        self.slot_bytes = slot_bytes
        self.buffer = bytearray(slot_bytes * BATCH)
        self._control = bytearray(_CONTROL_BYTES * BATCH)
        self._base = _ffi.from_buffer(self.buffer)
        self._control_base = _ffi.from_buffer(self._control)
        self._vectors = _ffi.new("struct iovec[]", BATCH)
        self._messages = _ffi.new("struct mmsghdr[]", BATCH)
        for at in range(BATCH):
            self._vectors[at].iov_base = self._base + at * slot_bytes
            self._vectors[at].iov_len = slot_bytes
            head = self._messages[at].msg_hdr
            head.msg_iov = self._vectors + at
            head.msg_iovlen = 1
            head.msg_control = self._control_base + at * _CONTROL_BYTES
            head.msg_controllen = _CONTROL_BYTES

    def read(self, number: int) -> Iterator[tuple[int, int, int]]:
        """Of each datagram waiting at file descriptor `number`: where it lies, its bytes, its arrival in Unix ns."""
        messages, control, slot = self._messages, self._control, self.slot_bytes
        count = BATCH
        while count == BATCH:
            count = _libc.recvmmsg(number, messages, BATCH, socket.MSG_DONTWAIT, _ffi.NULL)
            for at in range(count):
                seconds, ns = _TIMESPEC.unpack_from(control, at * _CONTROL_BYTES + _TIMESPEC_AT)
                yield at * slot, messages[at].msg_len, seconds * 1_000_000_000 + ns
                messages[at].msg_hdr.msg_controllen = _CONTROL_BYTES  # the kernel wrote over it
