/* A program of one straight piece of code that faults: 3 stores and a load, then a store to nowhere. Of the 7 instructions
 * up to there, each is fetched once. */
__attribute__((aligned(4096))) char data[4 * 4096];

__asm__(".globl _start\n"
        "_start:\n"
        "  lea data(%rip), %rbx\n"
        "  movb $1, (%rbx)\n"
        "  movb $2, 4096(%rbx)\n"
        "  movb $3, 8192(%rbx)\n"
        "  mov 12288(%rbx), %al\n"
        "  xor %ecx, %ecx\n"
        "  movb $4, (%rcx)\n"
        "  movb $5, (%rbx)\n"
        "  jmp .\n");
