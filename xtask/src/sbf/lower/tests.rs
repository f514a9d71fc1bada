use super::*;

const WIDE: &str = "define internal void @wide(ptr %a, i64 %b, i64 %c, i64 %d, i64 %e, i64 %f) unnamed_addr #3 {";

#[test]
fn a_definition_splits_into_its_four_parts() {
    let line =
        "define internal noundef range(i8 0, 2) i8 @_ZN4core3fmtE(ptr align 8 dereferenceable(16) %a, i64 %b) #3 {";
    assert_eq!(
        split_signature(line),
        Some(Signature {
            returns: "internal noundef range(i8 0, 2) i8 ",
            name: "@_ZN4core3fmtE",
            params: "ptr align 8 dereferenceable(16) %a, i64 %b",
            rest: " #3 {",
        })
    );
}

#[test]
fn a_quoted_name_may_contain_parentheses() {
    let line = "define void @\"call(once)\"() {";
    assert_eq!(
        split_signature(line),
        Some(Signature { returns: "void ", name: "@\"call(once)\"", params: "", rest: " {" })
    );
}

#[test]
fn other_lines_are_not_definitions() {
    for line in ["declare void @abort()", "  call void @f()", "", "define broken", "define void @open(i64 %a"] {
        assert_eq!(split_signature(line), None, "{line}");
    }
}

#[test]
fn registers_are_counted_outside_of_brackets_and_twice_for_128_bits() {
    assert_eq!(count_registers(""), 0);
    assert_eq!(count_registers("ptr %a"), 1);
    assert_eq!(count_registers("ptr sret([16 x i8]) captures(none) %a, { i64, i64 } %b, <2 x i64> %c"), 3);
    assert_eq!(count_registers("ptr %p, i128 %x, i128 %y"), 5);
}

#[test]
fn a_function_of_six_arguments_is_inlined_and_its_attribute_group_copied() {
    let text = format!("{WIDE}\n  ret void\n}}\nattributes #3 = {{ noinline nounwind cold \"target-cpu\"=\"v2\" }}\n");
    let out = inline_wide_functions(&text);
    assert!(out.contains("i64 %f) unnamed_addr #4 {\n"), "{out}");
    assert!(out.contains("attributes #3 = { noinline nounwind cold \"target-cpu\"=\"v2\" }\n"), "{out}");
    assert!(out.contains("attributes #4 = { nounwind \"target-cpu\"=\"v2\" alwaysinline }\n"), "{out}");
}

#[test]
fn functions_that_share_a_group_share_its_copy() {
    let text = format!("{WIDE}\n{}\nattributes #3 = {{ nounwind }}\n", WIDE.replace("@wide", "@wider"));
    let out = inline_wide_functions(&text);
    assert_eq!(out.matches(" #4 {").count(), 2, "{out}");
    assert_eq!(out.matches("attributes #4").count(), 1, "{out}");
}

#[test]
fn a_wide_function_without_group_gets_the_attribute_itself() {
    let out = inline_wide_functions("define internal i128 @wide(i128 %a) {\n");
    assert_eq!(out, "define internal i128 @wide(i128 %a) alwaysinline {\n");
}

#[test]
fn narrow_functions_and_the_entrypoint_stay_as_they_are() {
    let narrow = "define internal void @narrow(i64 %a, i64 %b, i64 %c, i64 %d, i64 %e) #3 {\n";
    assert_eq!(inline_wide_functions(narrow), narrow);
    let entrypoint = format!("{}\n", WIDE.replace("@wide", "@entrypoint"));
    assert_eq!(inline_wide_functions(&entrypoint), entrypoint);
}

#[test]
fn traps_become_the_abort_syscall_declared_once() {
    let text = "  tail call void @llvm.trap() #9\n  call void @llvm.ubsantrap(i8 1)\ndeclare void @llvm.trap() #1\n";
    assert_eq!(
        traps_to_abort(text),
        "  tail call void @abort() #9\n  call void @abort()\ndeclare void @llvm.trap() #1\n\
         declare void @abort() cold noreturn nounwind\n"
    );
    let declared = "declare void @abort()\n  call void @llvm.trap()\n";
    assert_eq!(traps_to_abort(declared), "declare void @abort()\n  call void @abort()\n");
}

#[test]
fn struct_returns_become_ordinary_pointers() {
    assert_eq!(
        without_struct_returns(
            "call void @f(ptr noalias sret({ i64, void ()* }) align 8 %p, ptr sret([8 x i8]) %q)\nret void\n"
        ),
        "call void @f(ptr noalias align 8 %p, ptr %q)\nret void\n"
    );
}

#[test]
fn wide_multiplications_become_calls() -> Result<()> {
    let out = expand_wide_arithmetic("  %r = mul nuw nsw i128 %a, 12, !dbg !7\n  %s = mul i64 %a, %b\n")?;
    assert!(
        out.starts_with("  %r = call i128 @sbf.mul128(i128 %a, i128 12), !dbg !7\n  %s = mul i64 %a, %b\n"),
        "{out}"
    );
    assert!(out.contains("define internal i128 @sbf.mul128("), "{out}");
    Ok(())
}

#[test]
fn shifts_become_calls_unless_their_amount_is_known() -> Result<()> {
    let out =
        expand_wide_arithmetic("  %r = shl nuw i128 1, %n\n  %s = lshr exact i128 %a, %n\n  %t = lshr i128 %a, 64\n")?;
    assert!(
        out.starts_with(
            "  %r = call i128 @sbf.shl128(i128 1, i128 %n)\n  %s = call i128 @sbf.lshr128(i128 %a, i128 %n)\n  \
             %t = lshr i128 %a, 64\n"
        ),
        "{out}"
    );
    Ok(())
}

#[test]
fn every_replacement_is_defined() -> Result<()> {
    for opcode in WIDE_OPCODES {
        let text = format!("  %r = {opcode} i128 %a, %b\ndeclare void @__udivti3()\ndeclare void @__umodti3()\n");
        let out = expand_wide_arithmetic(&text)?;
        assert!(out.contains(&format!("define internal i128 @sbf.{opcode}128(")), "{out}");
    }
    for (_, helper) in CHECKED_MULTIPLICATIONS {
        assert!(WIDE_ARITHMETIC.contains(helper), "{helper}");
    }
    Ok(())
}

#[test]
fn checked_multiplications_lose_the_intrinsic_and_its_declaration() -> Result<()> {
    for (kind, helper) in [
        ("umul.with.overflow.i64", "umulo"),
        ("smul.with.overflow.i64", "smulo"),
        ("umul.with.overflow.i128", "umulo128"),
    ] {
        let out = expand_wide_arithmetic(&format!(
            "  %p = call {{ i, i1 }} @llvm.{kind}(i %a, i %b)\ndeclare {{ i, i1 }} @llvm.{kind}(i, i) #5\n"
        ))?;
        let call = format!("  %p = call {{ i, i1 }} @sbf.{helper}(i %a, i %b)\n");
        assert!(out.starts_with(&call), "{out}");
        assert!(!out.contains("@llvm."), "{out}");
    }
    Ok(())
}

#[test]
fn wide_divisions_call_the_builtins_through_a_pointer() -> Result<()> {
    let out =
        expand_wide_arithmetic("  %q = udiv exact i128 %a, %b\ndefine void @__udivti3(ptr %p, i128 %a, i128 %b) {\n")?;
    assert!(out.starts_with("  %q = call i128 @sbf.udiv128(i128 %a, i128 %b)\n"), "{out}");
    assert!(out.contains("define internal i128 @sbf.udiv128("), "{out}");
    assert!(out.contains("call void @__udivti3(ptr %p, i128 %x, i128 %y)"), "{out}");
    assert!(!out.contains("@sbf.urem128"), "{out}");
    Ok(())
}

#[test]
fn a_wide_division_without_the_builtins_says_what_to_add() {
    let error = expand_wide_arithmetic("  %q = urem i128 %a, %b\n").map(|_| ()).map_err(|error| error.to_string());
    assert!(
        error.is_err_and(|message| message.contains("`__umodti3`") && message.contains("solana-compiler-builtins"))
    );
}
