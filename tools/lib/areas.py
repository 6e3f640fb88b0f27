# SPDX-License-Identifier: MIT
"""Which stack an address belongs to, from the address map in mm/layout.h.

An area is (kind, which): every single stack is its own area, so that a switch between two
threads' kernel stacks counts as a switch.  None stands for "no stack": percpu's pages, the
heap, the direct map, devices.
"""
PAGE = 4096
USER = ("user", 0)


class Areas:
    """@layout: the defines of mm/layout.h; @elf: the kernel, for stacks inside its image."""

    def __init__(self, layout, elf):
        self.layout, self.elf = layout, elf
        # CEA_NMI_STACK_PAGE 7 -> {7: "nmi_stack"}: the list follows the header by itself.
        self.cea = {page: name[4:-5].lower() for name, page in layout.items()
                    if name.startswith("CEA_") and name.endswith("_STACK_PAGE")}
        # An entry stack of each design that has one, with a guard page before the next.
        for page in range(layout["CEA_ENTRY_STACKS_PAGE"], layout["CEA_BLOCK_PAGES"], 2):
            self.cea[page] = "entry_stack"

    def of(self, address):
        """The stack area that holds @address, or None. Cached by page by its caller's needs."""
        at = self.layout
        if address < at["USER_END"]:
            return USER
        if at["KSTACK_AREA_BASE"] <= address < at["HEAP_AREA_BASE"]:
            return "kernel_stack", (address - at["KSTACK_AREA_BASE"]) // (
                at["KSTACK_SLOT_PAGES"] * PAGE)
        if at["CEA_FIRST_BLOCK"] <= address < at["TRAMPOLINE_AREA_BASE"]:
            which = (address - at["CEA_FIRST_BLOCK"]) // PAGE
            page = which % at["CEA_BLOCK_PAGES"]
            return (self.cea[page], which) if page in self.cea else None
        if at["TRAMPOLINE_AREA_BASE"] <= address < at["KERNEL_IMAGE_BASE"]:
            return "trampoline", (address - at["TRAMPOLINE_AREA_BASE"]) // (
                at["TRAMPOLINE_SLOT_PAGES"] * PAGE)
        if address >= at["KERNEL_IMAGE_BASE"]:
            name, _ = self.elf.near(address)
            return ("boot_stack", 0) if name and "stack" in name else None
        return None

    def of_stack_pointer(self, rsp):
        """As of(), for a stack pointer: an empty stack's RSP is one past its last byte."""
        return USER if rsp <= self.layout["USER_END"] else self.of(rsp - 1)

    def below_top(self, rsp):
        """Bytes from @rsp up to its stack's top; None for no stack, or one whose top the map does
        not give."""
        area = self.of_stack_pointer(rsp)
        top = self._top(area, rsp) if area else None
        return None if top is None else top - rsp

    def _top(self, area, rsp):
        """First byte above the stack @area. The map knows a program's first stack only."""
        at, (kind, which) = self.layout, area
        if area == USER:
            top = at["USER_STACK_TOP"]
            return top if top - at["USER_STACK_SIZE"] <= rsp <= top else None
        if kind == "kernel_stack":      # a slot is a guard page and then the stack
            return at["KSTACK_AREA_BASE"] + (which * at["KSTACK_SLOT_PAGES"] + 1 +
                                             at["KSTACK_PAGES"]) * PAGE
        if kind == "trampoline":
            return at["TRAMPOLINE_AREA_BASE"] + (which + 1) * at["TRAMPOLINE_SLOT_PAGES"] * PAGE
        return None if kind == "boot_stack" else (rsp - 1) // PAGE * PAGE + PAGE
