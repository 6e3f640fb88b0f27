# SPDX-License-Identifier: MIT
"""The proof of the closure sees what it is for: one mistake each is made in entry text, built, and
must be named."""
import importlib.util
import re
import unittest

from lib import paths
from lib.designs import designs, kinds, shared_text
from proofbuild import ROOT, Variant, text_of, with_c_handler, with_flip_in_assembly

HAVE_CAPSTONE = importlib.util.find_spec("capstone") is not None
C_DESIGN, HANDLER = with_c_handler()
ASM_DESIGN = with_flip_in_assembly()
C_FILE, ASM_FILE = f"{C_DESIGN.name}.c", f"{ASM_DESIGN.name}.asm"

# What a handler's author may look at.
KNOWN = "".join(f'#include "{header}"\n' for header in (
    "arch/x86_64/cpu.h", "arch/x86_64/trapframe.h", "kernel/object/object.h"))


def before_flip(statement, outside=""):
    """Edit of the C file: @statement stands before the first handler's flip, @outside above that
    handler's file."""
    def edit(text):
        head = re.search(rf"{HANDLER}\(struct trapframe \*frame\)\n\{{", text)
        at = text.index("\tFLIP_IN", head.end())
        text = text[:at] + statement + "\n" + text[at:]
        return text.replace("DECLARE_DESIGN", f"{KNOWN}{outside}\nDECLARE_DESIGN", 1)
    return edit


def replace(old, new):
    return lambda text: text.replace(old, new, 1)


def change(pattern, new):
    return lambda text: re.sub(pattern, new, text, count=1, flags=re.M)


class Proof(unittest.TestCase):
    def said(self, design, edits, flags=(), build=True):
        with Variant(design, edits, flags) as variant:
            return variant.build().proof() if build else variant.proof(paths.kernel())

    def refused(self, design, edits, *wanted, flags=(), build=True):
        """Each of @wanted is a regular expression; function and reason stand on one line."""
        status, text = self.said(design, edits, flags, build)
        self.assertEqual(status, 1, text)
        for pattern in wanted:
            self.assertRegex(text, pattern)

    def in_c(self, statement, *wanted, outside="", flags=()):
        self.refused(C_DESIGN, {C_FILE: before_flip(statement, outside)},
                     *(rf"{HANDLER}\b.*{w}" for w in wanted), flags=flags)

    def in_asm(self, edit, *wanted, build=True):
        self.refused(ASM_DESIGN, {ASM_FILE: edit}, *wanted, build=build)


@unittest.skipUnless(HAVE_CAPSTONE, "python3-capstone is not installed")
class BeforeTheFlip(Proof):
    def test_call_of_kernel_function(self):
        self.in_c('printk("entered");',
                  r"calls printk in \.text",
                  outside='#include "kernel/console/printk.h"')

    def test_global(self):
        self.in_c("proof_count++;",
                  r"proof_count in \.data",
                  outside="static volatile int proof_count = 1;")

    def test_string_literal(self):
        self.in_c('{ volatile char c = "open, sesame"[frame->rdi & 7]; (void)c; }',
                  r'in \.rodata, the text "open, sesame"')

    CASES = "".join(f"case {i}: proof_number({i * i + 7}); break;" for i in range(8))
    NUMBER = "static inline void proof_number(int n) { __asm__ volatile(\"nop\" : : \"r\"(n)); }"

    def test_jump_table(self):
        self.in_c(f"switch (frame->rdi) {{ {self.CASES} }}",
                  r"jmp .*(index into|touches) .* in \.rodata",
                  outside=self.NUMBER,
                  flags=["-fjump-tables"])

    COPY = "{ char b[64]; for (uint64_t i = 0; i < frame->rdi; i++) b[i] = ((char *)frame)[i];" \
           ' __asm__ volatile("" : : "r"(b) : "memory"); }'

    def test_memcpy_from_the_compiler(self):
        self.in_c(self.COPY, r"calls memcpy in \.text", flags=["-ftree-loop-distribute-patterns"])

    def test_stack_protector(self):
        self.in_c('{ char b[64]; __asm__ volatile("" : : "r"(b) : "memory"); }',
                  r"gs:\[0x28\].*no field there", r"calls (__stack_chk_fail|panic) in \.text",
                  flags=["-fstack-protector-all", "-mstack-protector-guard=tls"])

    def test_private_page(self):
        self.in_c('__asm__ volatile("" : : "r"(current_thread()));', r"gs:\[0x1008\].*private page")

    def test_pointer_from_the_frame(self):
        self.in_c("(void)*(volatile char *)frame->rip;",
                  "not the frame, the door page or entry rodata")

    def test_index_beyond_the_stack(self):
        self.in_c("(void)((volatile uint64_t *)frame)[frame->rdi & 31];", "leaves the tramp stack")

    def test_function_pointer(self):
        self.in_c("((void (*)(void))frame->rip)();", "is indirect, to")

    def test_interrupts_on(self):
        self.in_c('__asm__ volatile("sti");', "turns interrupts on")

    def test_instruction_that_is_not_allowed(self):
        self.in_c('__asm__ volatile("rep movsb" : : "S"(frame), "D"(frame), "c"(0));',
                  "no instruction that entry text may use")


@unittest.skipUnless(HAVE_CAPSTONE, "python3-capstone is not installed")
class Allowed(Proof):
    def test_table_in_entry_rodata_with_bounds(self):
        table = 'static const uint64_t proof_table[8] ' \
                f'__attribute__((section(".entry.rodata.{C_DESIGN.name}"))) = ' \
                "{ 1, 2, 3, 4, 5, 6, 7, 8 };"
        good = before_flip('__asm__ volatile("" : : "r"(proof_table[frame->rdi & 7]));', table)
        self.assertEqual(self.said(C_DESIGN, {C_FILE: good})[0], 0)
        self.in_c('__asm__ volatile("" : : "r"(proof_table[frame->rdi & 0xffff]));',
                  "which no user root maps",
                  outside=table)

    def test_call_through_a_table_in_entry_rodata(self):
        note = re.search(r"/\* \[cr3=user [^*]*on return\. \*/", text_of(C_DESIGN, "c"))[0]
        functions = "".join(
            f'{note}\nENTRY_TEXT("{C_DESIGN.name}") static void {name}(void)\n{{\n}}\n'
            for name in ("one", "two"))
        table = "static void (*const proof_calls[2])(void) " \
                f'__attribute__((section(".entry.rodata.{C_DESIGN.name}"))) = {{ one, two }};'
        good = before_flip("proof_calls[frame->rdi & 1]();", functions + table)
        status, text = self.said(C_DESIGN, {C_FILE: good})
        self.assertEqual(status, 0, text)
        elsewhere = table.replace(".entry.rodata", ".rodata")
        self.in_c("proof_calls[frame->rdi & 1]();",
                  r"proof_calls in \.rodata",
                  outside=functions + elsewhere)

    def test_word_of_the_frame_with_bounds(self):
        edit = before_flip("(void)((volatile uint64_t *)frame)[frame->rdi & 15];")
        self.assertEqual(self.said(C_DESIGN, {C_FILE: edit})[0], 0)

    ACCESS = '__asm__ volatile(TRUSTED("it is mapped, believe me") "mov (%0), %%rax" ' \
             ': : "r"(frame->rip) : "rax");'

    def test_annotation_is_printed_and_counted(self):
        edit = before_flip(self.ACCESS, '#include "entry/trust.h"')
        status, text = self.said(C_DESIGN, {C_FILE: edit})
        self.assertEqual(status, 0, text)
        self.assertRegex(text, rf"vouched for: {HANDLER}\+\w+: it is mapped, believe me")
        self.assertIn(" 1 annotations", text)

    def test_annotations_are_few_and_needed(self):
        edit = before_flip(self.ACCESS * 11, '#include "entry/trust.h"')
        self.refused(C_DESIGN, {C_FILE: edit}, "11 annotations, at most 10")
        self.in_c('__asm__ volatile(TRUSTED("no operand") "nop");', "vouched for without need",
                  outside='#include "entry/trust.h"')


@unittest.skipUnless(HAVE_CAPSTONE, "python3-capstone is not installed")
class Paths(Proof):
    def test_flip_in_left_out(self):
        self.in_asm(change(r"^\tFLIP_IN.*\n", ""), r"gs:\[0x1000\].*private page")

    def test_flip_out_left_out(self):
        self.in_asm(change(r"^\tFLIP_OUT.*\n", ""), r"sysret.*leaves on the kernel table")

    def test_swapgs_missing_on_one_branch(self):
        self.in_asm(change(r"^\tswapgs\n(?=\.iret)", ""), r"\.iret.*iretq.*leaves with GS kernel's")
        self.in_asm(change(r"^\tswapgs\n", ""), r"is GS-relative while GS is the user's")

    def test_push_on_the_users_stack(self):
        self.in_asm(change(r"^\tswapgs\n", "\tpush rax\n\tswapgs\n"),
                    r"syscall_entry\.gs.*uses RSP as a stack, but it holds the program's rsp")

    def test_pop_too_many(self):
        self.in_asm(change(r"^(\.flip_out:.*\n)\tFLIP_OUT rdi", "\\1\tpop rax\n\tFLIP_OUT rdi"),
                    "pops the program's cs for rip")

    def test_code_that_nothing_reaches(self):
        self.in_asm(lambda t: t + "\n\tmov eax, 1\n\tret\n", "mov eax, 1: no path")

    def test_running_off_the_end(self):
        self.in_asm(lambda t: re.sub(r"\tjmp\t\S+\n\Z", "", t),
                    "no instruction: a path runs off|is reached")

    def test_cr3_word_kept_over_a_sleep(self):
        def edit(text):
            text = before_flip('uint64_t kept; __asm__ volatile("mov %%gs:8, %0" : "=r"(kept));')(
                text)
            late = '__asm__ volatile("mov %0, %%cr3" : : "r"(kept) : "memory")'
            return re.sub(r"FLIP_OUT\(.*\)", late, text, count=1)

        self.refused(C_DESIGN, {C_FILE: edit},
                     rf"{HANDLER}.*loads CR3 with the user half's CR3 word \(stale\)")

    def test_registers_swapped_on_the_way_out(self):
        self.in_asm(change(r"^\tpop\tr11\n\tpop\trcx\n", "\tpop rcx\n\tpop r11\n"),
                    "iretq.*leaves with the program's r11 in rcx")

    def test_register_not_restored_by_macros(self):
        self.refused(ASM_DESIGN,
                     {"frame.inc": replace("\tpop\tr15\n\tpop\tr14\n", "\tpop\tr14\n\tpop\tr15\n")},
                     "leaves with the program's r15 in r14")

    def test_word_of_the_frame_lost(self):
        self.in_asm(change(r"^\tmov\t\[gs:PERCPU_SCRATCH\], rsp\n", ""),
                    "syscall_dispatch.. a frame whose rsp is not the program's")
        self.in_asm(change(r"^\tmov\t\[rsp \+ TF_RAX\], rax\n", ""),
                    "leaves with the program's rax in rax")

    def test_handler_and_work_left_out(self):
        self.in_asm(change(r"^\tcall\tidt_dispatch\n", ""),
                    "leaves without having called the handler")
        self.in_asm(change(r"^\tcmp\tdword \[gs:PERCPU_WORK\], 0\n", ""),
                    "without having looked for work")
        self.in_asm(change(r"^\tcld\n", ""), "leaves for idt_dispatch.. with DF as it was found")

    def test_body_left_on_a_vestibule(self):
        edit = change(r"^\tmov\trsp, \[gs:PERCPU_IST_BODY_TOP\]\n", "")
        self.refused(ASM_DESIGN, {"kernelmode.inc": edit},
                     r"leaves for kernel_exception\(\) on the any stack")

    def test_upper_bits_of_a_bool(self):
        self.refused(ASM_DESIGN, {"ist.inc": change(r"movzx\tr14d, al", "mov r14d, eax")},
                     r"\.resume.*popfq: uses RSP as a stack, but it holds the program's rsp")

    def test_gs_not_given_back_by_an_ist_entry(self):
        edit = change(r"(^\.flip_out:(?:.*\n)+?)\twrmsr\n", r"\1")
        self.refused(ASM_DESIGN, {"ist.inc": edit},
                     "iretq.*leaves with GS kernel's, entered with user's")


@unittest.skipUnless(HAVE_CAPSTONE, "python3-capstone is not installed")
class SharedText(Proof):
    SHARED = shared_text(ASM_DESIGN)

    def test_what_is_shared_knows_no_design(self):
        """It must not lead into a design's own text: there the proof of another would not hold."""
        own = f"{ASM_DESIGN.ident}_user_return"
        edit = change(r"^\tcld\n", f"\tcld\n\textern {own}\n\tjz {own}\n")
        self.refused(ASM_DESIGN, {"ist.inc": edit},
                     rf"{self.SHARED}: {self.SHARED}_\w+\.frame.*jumps to {own}.* is not this")

    def test_reported_once(self):
        with Variant(ASM_DESIGN, {}) as same:
            text = same.proof(paths.kernel(), every=True)[1]
        for ident in kinds(designs()):
            self.assertEqual(len(re.findall(rf"^proof: {ident}: .* closed$", text, re.M)), 1, text)

    def test_states_of_every_design_count(self):
        """What one design alone hands over is held against the notes of what all share."""
        edit = change(r"^\tjz\t(\w+_kernel_entry)\n",
                      "\tjz\t\\1\n\tcmp\tqword [rsp + HEAD_VECTOR], 77\n\tje\t\\1\n")
        self.in_asm(edit, rf"{self.SHARED}_kernel_entry.*for idt_dispatch.. in the wrong state")


@unittest.skipUnless(HAVE_CAPSTONE, "python3-capstone is not installed")
class Stubs(Proof):
    def stub(self, pattern, new, *wanted):
        self.refused(ASM_DESIGN, {"frame.inc": change(pattern, new)}, *wanted)

    def test_alike(self):
        self.stub(r"^\tpush\tv\n", "\tpush\tv\n%if v == 77\n\tnop\n%endif\n",
                  r"the stub of vector 77: its bytes are 6a006a4d90e9\w+, and not 6a006a4d and")
        self.stub(r"^\tpush\tv\n", "%if v == 200\n\tpush\t100\n%else\n\tpush\tv\n%endif\n",
                  "the stub of vector 200: its bytes are")

    def test_jump(self):
        self.stub(r"^%elif v == 18\n\tjmp\t%2_machine_check\n", "%elif v == 18\n\tjmp\t%2_debug\n",
                  "the stub of vector 18: jumps to 0x")
        self.stub(r"^%elif v == 18\n", "%elif v == 99\n",
                  "the stub of vector 18: jumps to", "the stub of vector 99: jumps to")


@unittest.skipUnless(HAVE_CAPSTONE, "python3-capstone is not installed")
class StateNotes(Proof):
    NOTE = r"^(\.flip_in:\s+; \[)cr3=user"

    def test_wrong(self):
        self.in_asm(change(self.NOTE, r"\1cr3=kernel"),
                    r"\.flip_in is noted \[cr3=kernel .*but what holds is \[cr3=user", build=False)

    def test_vague(self):
        self.in_asm(change(self.NOTE, r"\1cr3=any"), r"\.flip_in is noted \[cr3=any", build=False)

    def test_missing(self):
        self.in_asm(change(r"^(\.stack:)\s+;.*", r"\1"), r"\.stack has no state note", build=False)

    def test_step_said_not_needed(self):
        self.in_asm(change(r"^(\.stack:\s+);.*", r"\1; not needed"),
                    r"\.stack says not needed, but code stands there",
                    build=False)

    def test_in_c(self):
        edit = change(r"rsp=tramp if=0\] on entry and on return",
                      "rsp=kernel if=0] on entry and on return")
        self.refused(C_DESIGN, {C_FILE: edit},
                     rf"{HANDLER} is noted .*rsp=kernel",
                     rf"{HANDLER} on return is noted",
                     build=False)

    def test_every_design_is_closed(self):
        for design in {C_DESIGN, ASM_DESIGN}:
            with Variant(design, {}) as same:
                status, text = same.proof(paths.kernel())
            self.assertEqual(status, 0, text)
            self.assertIn(" 0 annotations, closed", text)
        self.assertTrue(text_of(C_DESIGN, "c") and (ROOT / "entry").is_dir())


if __name__ == "__main__":
    unittest.main()
