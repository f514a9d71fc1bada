; Arithmetic on 128 bits, and checked on 64, from operations the BPF backend has. Linked into the program by
; xtask/src/sbf/lower.rs, which calls these functions; always inlined, and gone where unused.

; 64 × 64 → 128 bits from four 32-bit products: the backend has no high multiplication.
define internal i128 @sbf.mul64(i64 %a, i64 %b) alwaysinline nounwind {
  %a0 = and i64 %a, 4294967295
  %a1 = lshr i64 %a, 32
  %b0 = and i64 %b, 4294967295
  %b1 = lshr i64 %b, 32
  %p00 = mul i64 %a0, %b0
  %p01 = mul i64 %a0, %b1
  %p10 = mul i64 %a1, %b0
  %p11 = mul i64 %a1, %b1
  %c0 = lshr i64 %p00, 32
  %m1 = and i64 %p01, 4294967295
  %m2 = and i64 %p10, 4294967295
  %s1 = add i64 %c0, %m1
  %s2 = add i64 %s1, %m2
  %h1 = lshr i64 %p01, 32
  %h2 = lshr i64 %p10, 32
  %h3 = lshr i64 %s2, 32
  %t1 = add i64 %p11, %h1
  %t2 = add i64 %t1, %h2
  %hi = add i64 %t2, %h3
  %lo = mul i64 %a, %b
  %lo.w = zext i64 %lo to i128
  %hi.w = zext i64 %hi to i128
  %hi.s = shl nuw i128 %hi.w, 64
  %r = or disjoint i128 %hi.s, %lo.w
  ret i128 %r
}

; 128 × 128 → 128 bits: one full product of the low halves, and the cross products that reach the high half.
define internal i128 @sbf.mul128(i128 %x, i128 %y) alwaysinline nounwind {
  %a = trunc i128 %x to i64
  %xs = lshr i128 %x, 64
  %ah = trunc i128 %xs to i64
  %b = trunc i128 %y to i64
  %ys = lshr i128 %y, 64
  %bh = trunc i128 %ys to i64
  %low = call i128 @sbf.mul64(i64 %a, i64 %b)
  %c1 = mul i64 %ah, %b
  %c2 = mul i64 %a, %bh
  %c = add i64 %c1, %c2
  %cw = zext i64 %c to i128
  %cs = shl i128 %cw, 64
  %r = add i128 %low, %cs
  ret i128 %r
}

; The 64-bit product, and whether it lost bits: what `u64::checked_mul` becomes.
define internal { i64, i1 } @sbf.umulo(i64 %a, i64 %b) alwaysinline nounwind {
  %wide = call i128 @sbf.mul64(i64 %a, i64 %b)
  %top = lshr i128 %wide, 64
  %hi = trunc i128 %top to i64
  %lo = mul i64 %a, %b
  %overflow = icmp ne i64 %hi, 0
  %r0 = insertvalue { i64, i1 } poison, i64 %lo, 0
  %r1 = insertvalue { i64, i1 } %r0, i1 %overflow, 1
  ret { i64, i1 } %r1
}

; The signed 64-bit product, and whether it lost bits: what `i64::checked_mul` becomes. The signed high half
; is the unsigned one less each factor whose partner is negative; it must repeat the low half's sign.
define internal { i64, i1 } @sbf.smulo(i64 %a, i64 %b) alwaysinline nounwind {
  %wide = call i128 @sbf.mul64(i64 %a, i64 %b)
  %top = lshr i128 %wide, 64
  %unsigned = trunc i128 %top to i64
  %sa = ashr i64 %a, 63
  %sb = ashr i64 %b, 63
  %fa = and i64 %sa, %b
  %fb = and i64 %sb, %a
  %h1 = sub i64 %unsigned, %fa
  %hi = sub i64 %h1, %fb
  %lo = mul i64 %a, %b
  %sign = ashr i64 %lo, 63
  %overflow = icmp ne i64 %hi, %sign
  %r0 = insertvalue { i64, i1 } poison, i64 %lo, 0
  %r1 = insertvalue { i64, i1 } %r0, i1 %overflow, 1
  ret { i64, i1 } %r1
}

; The 128-bit product, and whether it lost bits: what `u128::checked_mul` becomes. It loses some when both
; factors have a high half, when a cross product exceeds 64 bits, or when adding it carries.
define internal { i128, i1 } @sbf.umulo128(i128 %x, i128 %y) alwaysinline nounwind {
  %a = trunc i128 %x to i64
  %xs = lshr i128 %x, 64
  %ah = trunc i128 %xs to i64
  %b = trunc i128 %y to i64
  %ys = lshr i128 %y, 64
  %bh = trunc i128 %ys to i64
  %low = call i128 @sbf.mul64(i64 %a, i64 %b)
  %p1 = call { i64, i1 } @sbf.umulo(i64 %ah, i64 %b)
  %p2 = call { i64, i1 } @sbf.umulo(i64 %a, i64 %bh)
  %c1 = extractvalue { i64, i1 } %p1, 0
  %c2 = extractvalue { i64, i1 } %p2, 0
  %o1 = extractvalue { i64, i1 } %p1, 1
  %o2 = extractvalue { i64, i1 } %p2, 1
  %c = add i64 %c1, %c2
  %cw = zext i64 %c to i128
  %cs = shl i128 %cw, 64
  %r = add i128 %low, %cs
  %o3 = icmp ult i128 %r, %low
  %ahn = icmp ne i64 %ah, 0
  %bhn = icmp ne i64 %bh, 0
  %o4 = and i1 %ahn, %bhn
  %o12 = or i1 %o1, %o2
  %o34 = or i1 %o3, %o4
  %overflow = or i1 %o12, %o34
  %r0 = insertvalue { i128, i1 } poison, i128 %r, 0
  %r1 = insertvalue { i128, i1 } %r0, i1 %overflow, 1
  ret { i128, i1 } %r1
}

; Shifts of 128 bits by a variable amount below 128: each half shifted by the amount's low six bits, with what
; crosses over (in two steps, as no shift may be 64), and the halves moved by one place from 64 on.
define internal i128 @sbf.shl128(i128 %x, i128 %n) alwaysinline nounwind {
  %lo = trunc i128 %x to i64
  %xs = lshr i128 %x, 64
  %hi = trunc i128 %xs to i64
  %n64 = trunc i128 %n to i64
  %s = and i64 %n64, 63
  %rest = xor i64 %s, 63
  %half = and i64 %n64, 64
  %far = icmp ne i64 %half, 0
  %lo.s = shl i64 %lo, %s
  %hi.s = shl i64 %hi, %s
  %lo.1 = lshr i64 %lo, 1
  %cross = lshr i64 %lo.1, %rest
  %near = or i64 %hi.s, %cross
  %r.lo = select i1 %far, i64 0, i64 %lo.s
  %r.hi = select i1 %far, i64 %lo.s, i64 %near
  %lo.w = zext i64 %r.lo to i128
  %hi.w = zext i64 %r.hi to i128
  %hi.p = shl nuw i128 %hi.w, 64
  %r = or disjoint i128 %hi.p, %lo.w
  ret i128 %r
}
define internal i128 @sbf.lshr128(i128 %x, i128 %n) alwaysinline nounwind {
  %lo = trunc i128 %x to i64
  %xs = lshr i128 %x, 64
  %hi = trunc i128 %xs to i64
  %n64 = trunc i128 %n to i64
  %s = and i64 %n64, 63
  %rest = xor i64 %s, 63
  %half = and i64 %n64, 64
  %far = icmp ne i64 %half, 0
  %lo.s = lshr i64 %lo, %s
  %hi.s = lshr i64 %hi, %s
  %hi.1 = shl i64 %hi, 1
  %cross = shl i64 %hi.1, %rest
  %near = or i64 %lo.s, %cross
  %r.lo = select i1 %far, i64 %hi.s, i64 %near
  %r.hi = select i1 %far, i64 0, i64 %hi.s
  %lo.w = zext i64 %r.lo to i128
  %hi.w = zext i64 %r.hi to i128
  %hi.p = shl nuw i128 %hi.w, 64
  %r = or disjoint i128 %hi.p, %lo.w
  ret i128 %r
}
define internal i128 @sbf.ashr128(i128 %x, i128 %n) alwaysinline nounwind {
  %lo = trunc i128 %x to i64
  %xs = lshr i128 %x, 64
  %hi = trunc i128 %xs to i64
  %n64 = trunc i128 %n to i64
  %s = and i64 %n64, 63
  %rest = xor i64 %s, 63
  %half = and i64 %n64, 64
  %far = icmp ne i64 %half, 0
  %lo.s = lshr i64 %lo, %s
  %hi.s = ashr i64 %hi, %s
  %sign = ashr i64 %hi, 63
  %hi.1 = shl i64 %hi, 1
  %cross = shl i64 %hi.1, %rest
  %near = or i64 %lo.s, %cross
  %r.lo = select i1 %far, i64 %hi.s, i64 %near
  %r.hi = select i1 %far, i64 %sign, i64 %hi.s
  %lo.w = zext i64 %r.lo to i128
  %hi.w = zext i64 %r.hi to i128
  %hi.p = shl nuw i128 %hi.w, 64
  %r = or disjoint i128 %hi.p, %lo.w
  ret i128 %r
}
