/* A program for arm64 or riscv64 whose fetches, loads and stores are known by counting them here.
 *
 *                           arm64                        riscv64
 *                           fetches  loads  stores       fetches  loads  stores
 *   to the loop                   3                            3
 *   4096 times 8 bytes        20480   4096    4096         24576   4096    4096
 *   one across two pages          4      2                     3      2
 *   a pair                        2      2
 *   10 atomics                   51     30      20            53     30      20
 *   400 pairs of vectors        400   1600                   400    400
 *   to the end                    4                            3
 *   in all                    20944   5730    4116         25038   4528    4116
 *
 * QEMU loads a vector of 16 bytes in halves. A store-exclusive (or conditional) counts as a load and
 * a store: QEMU compares and swaps. The status is 16: on arm64 what DCZID_EL0 says of DC ZVA, that
 * it is prohibited. */
  .bss
  .balign 4096
area: .skip 32768

  .text
  .globl _start
#if defined __aarch64__
  .arch_extension lse
_start:
  adrp x0, area
  add x0, x0, :lo12:area
  mov w1, 4096
1:
  ldr x2, [x0]
  add x2, x2, 1
  str x2, [x0], 8
  subs w1, w1, 1
  b.ne 1b

  adrp x0, area
  add x0, x0, :lo12:area
  add x0, x0, 4092
  ldr x2, [x0]

  sub x0, x0, 4092
  ldp x2, x3, [x0]

  mov w1, 10
2:
  ldaddal x1, x2, [x0]
  ldxr x2, [x0]
  stxr w3, x2, [x0]
  subs w1, w1, 1
  b.ne 2b

  .rept 400
  ldp q0, q1, [x0]
  .endr

  mrs x2, dczid_el0
  and x0, x2, 16
  mov w8, 93
  svc 0
#elif defined __riscv
  .option norelax
  .option norvc
_start:
  lla a0, area
  li a1, 4096
1:
  ld a2, 0(a0)
  addi a2, a2, 1
  sd a2, 0(a0)
  addi a0, a0, 8
  addi a1, a1, -1
  bnez a1, 1b

  lla a0, area + 4092
  ld a2, 0(a0)

  lla a0, area
  li a1, 10
2:
  amoadd.d a2, a1, (a0)
  lr.d a2, (a0)
  sc.d a3, a2, (a0)
  addi a1, a1, -1
  bnez a1, 2b

  .rept 400
  ld a2, 0(a0)
  .endr

  li a0, 16
  li a7, 93
  ecall
#endif
