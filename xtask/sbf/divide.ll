; A 128-bit division by value, over solana-compiler-builtins' routine, which answers through a pointer.
define internal i128 @sbf.OPCODE128(i128 %x, i128 %y) alwaysinline nounwind {
  %p = alloca i128, align 16
  call void @LIBCALL(ptr %p, i128 %x, i128 %y)
  %r = load i128, ptr %p, align 16
  ret i128 %r
}
