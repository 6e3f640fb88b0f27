# SPDX-License-Identifier: MIT
"""A client of QEMU's gdb stub: registers, memory, hardware breakpoints, single steps.

Only what a tracer needs of the remote serial protocol.  The client never sends the
acknowledging '+': QEMU takes the next packet for it, so "read the registers, then step"
is one write and one wait, which doubles the speed.
"""
import re
import socket
import xml.etree.ElementTree as ET


class GdbError(Exception):
    """The stub refused a request, or the guest is gone."""


def frame_packet(body):
    """The packet that carries the bytes @body."""
    return b"$" + body + b"#%02x" % (sum(body) & 0xff)


def parse_target(xml_texts):
    """[(name, first byte in a `g` reply, bytes)] from target description texts, in order."""
    regs, offset = [], 0
    for text in xml_texts:
        for reg in ET.fromstring(text).iter("reg"):
            size = int(reg.get("bitsize")) // 8
            regs.append((reg.get("name"), offset, size))
            offset += size
    return regs


class GdbStub:
    """One connection. @path is a unix socket; @timeout seconds bound every single answer."""

    STEP_WITH_IRQS = b"Qqemu.sstep=0x1"     # ENABLE alone: neither IRQs nor timers are held back

    def __init__(self, path, timeout=30):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.buffer = b""
        if self.request(b"qSupported:xmlRegisters=i386")[:1] == b"T":
            self.receive()      # a guest that ran was stopped by our coming, and says so first
        self.registers = parse_target(self._target_xml())
        self._where = {name: (at, size) for name, at, size in self.registers}
        if self.request(self.STEP_WITH_IRQS) != b"OK":
            raise GdbError("this QEMU cannot step with interrupts on (Qqemu.sstep)")

    def close(self):
        """Drop the connection; the guest stays as it is."""
        self.sock.close()

    def detach(self):
        """Let the guest run on, and drop the connection."""
        self.request(b"D")
        self.close()

    # --- packets --------------------------------------------------------------
    def receive(self):
        """Body of the next packet; GdbError when QEMU has gone or takes too long."""
        while True:
            start = self.buffer.find(b"$")
            end = self.buffer.find(b"#", start) if start >= 0 else -1
            if end >= 0 and len(self.buffer) >= end + 3:
                body = self.buffer[start + 1:end]
                check = int(self.buffer[end + 1:end + 3], 16)
                self.buffer = self.buffer[end + 3:]
                if sum(body) & 0xff != check:
                    raise GdbError("a packet from the gdb stub has a bad checksum")
                return expand_runs(body)
            try:
                data = self.sock.recv(65536)
            except socket.timeout:
                raise GdbError("the guest did not stop in time") from None
            if not data:
                raise GdbError("QEMU ended while it was being traced")
            self.buffer += data

    def request(self, body):
        """Send one packet and return the body of its answer."""
        self.sock.sendall(frame_packet(body))
        return self.receive()

    def _target_xml(self):
        top = self._transfer("target.xml")
        names = re.findall(r'xi:include href="([^"]+)"', top)
        return [self._transfer(name) for name in names] or [top]

    def _transfer(self, annex):
        text = b""
        while True:
            reply = self.request(b"qXfer:features:read:%s:%x,ffb" % (annex.encode(), len(text)))
            text += reply[1:]
            if reply[:1] != b"m":
                return text.decode()

    # --- state ----------------------------------------------------------------
    def decode(self, reply, names):
        """Values of the registers @names out of a `g` reply."""
        if len(reply) < 200:
            raise GdbError("the gdb stub sent no registers: %r" % reply)
        raw = bytes.fromhex(reply.decode().replace("x", "0"))
        where = self._where
        return [int.from_bytes(raw[where[n][0]:where[n][0] + where[n][1]], "little") for n in names]

    def read_registers(self, names):
        """Values of the registers @names."""
        return self.decode(self.request(b"g"), names)

    def write_register(self, name, value):
        """Set one register."""
        number = [n for n, _, _ in self.registers].index(name)
        raw = value.to_bytes(self._where[name][1], "little").hex().encode()
        if self.request(b"P%x=%s" % (number, raw)) != b"OK":
            raise GdbError("cannot write register %s" % name)

    def read_memory(self, address, length):
        """@length bytes at the virtual @address on the table now in CR3."""
        reply = self.request(b"m%x,%x" % (address, length))
        if reply[:1] == b"E" or len(reply) != 2 * length:
            raise GdbError("cannot read %d bytes at %#x" % (length, address))
        return bytes.fromhex(reply.decode())

    def write_memory(self, address, data):
        """Write the bytes @data at the virtual @address, whatever rights the page gives the
        guest."""
        if self.request(b"M%x,%x:%s" % (address, len(data), data.hex().encode())) != b"OK":
            raise GdbError("cannot write %d bytes at %#x" % (len(data), address))

    def read_word(self, address):
        """The 64-bit word at the virtual @address."""
        return int.from_bytes(self.read_memory(address, 8), "little")

    def write_word(self, address, value):
        """Write the 64-bit @value at the virtual @address."""
        self.write_memory(address, value.to_bytes(8, "little"))

    def read_string(self, address, limit=64):
        """NUL-terminated text at @address, never reading over a page's end at once."""
        text = b""
        while b"\0" not in text and len(text) < limit:
            room = 0x1000 - ((address + len(text)) & 0xfff)
            text += self.read_memory(address + len(text), min(16, room))
        return text.split(b"\0")[0].decode("ascii", "replace")

    def monitor(self, command):
        """Have QEMU's own monitor carry out @command, which must print nothing, e.g. "nmi"."""
        if (reply := self.request(b"qRcmd," + command.encode().hex().encode())) != b"OK":
            raise GdbError("the monitor refused '%s': %r" % (command, reply))

    # --- running --------------------------------------------------------------
    def set_breakpoint(self, address):
        """Hardware breakpoint at a virtual address, whatever table is loaded."""
        if self.request(b"Z1,%x,1" % address) != b"OK":
            raise GdbError("no hardware breakpoint at %#x" % address)

    def clear_breakpoint(self, address):
        """Undo set_breakpoint()."""
        self.request(b"z1,%x,1" % address)

    def resume(self):
        """Run until a breakpoint; the stop packet's body."""
        return self._stopped(self.request(b"c"))

    def run_to(self, address):
        """Run until the instruction at @address is next; the stop packet's body."""
        self.set_breakpoint(address)
        body = self.resume()
        self.clear_breakpoint(address)
        return body

    # --- several CPUs; QEMU's thread n is the CPU n - 1 ---------------------------
    def select(self, cpu):
        """The CPU that registers are read of, and that memory is read as by."""
        if self.request(b"Hg%x" % (cpu + 1)) != b"OK":
            raise GdbError("QEMU has no CPU %d" % cpu)

    @staticmethod
    def cpu_that_stopped(body):
        """The CPU that a stop packet, of resume() or run_to(), is about."""
        found = re.search(rb"thread:([0-9a-f]+);", body)
        if not found:
            raise GdbError("QEMU does not say which CPU stopped: %r" % body)
        return int(found[1], 16) - 1

    def cpu_count(self):
        """The CPUs that this machine has."""
        count, reply = 0, self.request(b"qfThreadInfo")
        while reply[:1] == b"m":
            count += len(reply[1:].split(b","))
            reply = self.request(b"qsThreadInfo")
        return count

    def address_physically(self, on):
        """read_memory() and its kin take physical addresses from now on, or virtual ones again."""
        if self.request(b"Qqemu.PhyMemMode:%d" % on) != b"OK":
            raise GdbError("this QEMU does not read physical memory (Qqemu.PhyMemMode)")

    def step_alone(self, cpu):
        """One instruction of @cpu, none of the others."""
        return self._stopped(self.request(b"vCont;s:%x" % (cpu + 1)))

    def resume_or_end(self):
        """As resume(), but False when the guest ended (or QEMU with it) instead."""
        try:
            return self.request(b"c")[:1] in (b"T", b"S")
        except GdbError:
            return False

    def step(self):
        """Execute one instruction, or take the interrupt that is due."""
        return self._stopped(self.request(b"s"))

    def registers_then_step(self):
        """The `g` reply of now; the step that follows it is under way: finish_step() waits for
        it."""
        self.sock.sendall(frame_packet(b"g") + frame_packet(b"s"))
        return self.receive()

    def finish_step(self):
        """Wait for the step that registers_then_step() began."""
        self._stopped(self.receive())

    @staticmethod
    def _stopped(body):
        if body[:1] not in (b"T", b"S"):
            raise GdbError("the guest ended or answered %r" % body[:40])
        return body


def expand_runs(body):
    """Undo run-length encoding: 'c*n' stands for c and ord(n) - 29 more of it."""
    if b"*" not in body:
        return body
    return re.sub(rb"(.)\*(.)", lambda m: m.group(1) * (ord(m.group(2)) - 28), body, flags=re.S)
