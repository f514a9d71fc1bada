//! Rewrites of LLVM's textual IR that LLVM 22's BPF backend needs before it can compile a Rust program.
//!
//! Everything here is text in, text out. The functions rely on how `llvm-dis` prints (one definition or
//! instruction per line), not on LLVM's whole grammar.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use anyhow::{Result, ensure};

/// Arguments the BPF calling convention passes in registers (r1 to r5); it has no others.
const MAX_REGISTER_ARGS: usize = 5;

/// Attributes that contradict `alwaysinline`, or that would make the inliner hesitate.
const ATTRIBUTES_AGAINST_INLINING: [&str; 6] = ["noinline", "optnone", "optsize", "minsize", "cold", "inlinehint"];

/// Functions that replace what the backend cannot do, in terms of what it can.
const WIDE_ARITHMETIC: &str = include_str!("../../sbf/wide_arithmetic.ll");
/// The same for divisions, with the names of function and library routine to fill in.
const DIVIDE: &str = include_str!("../../sbf/divide.ll");

/// Overflow-checked multiplications that would end in a libcall, and what replaces each.
const CHECKED_MULTIPLICATIONS: [(&str, &str); 3] = [
    ("@llvm.umul.with.overflow.i64(", "@sbf.umulo("),
    ("@llvm.smul.with.overflow.i64(", "@sbf.smulo("),
    ("@llvm.umul.with.overflow.i128(", "@sbf.umulo128("),
];

/// 128-bit operations that would end in a libcall; `mul` becomes a call of `@sbf.mul128`, and so on.
const WIDE_OPCODES: [&str; 6] = ["mul", "udiv", "urem", "shl", "lshr", "ashr"];
/// Those of them that need a library routine, and which.
const DIVISIONS: [(&str, &str); 2] = [("udiv", "__udivti3"), ("urem", "__umodti3")];

/// The four parts of a line `define <returns><name>(<params>)<rest>`.
#[derive(Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Linkage, attributes and type of the result.
    pub returns: &'a str,
    /// The function's name with its `@`.
    pub name: &'a str,
    /// What stands between the parentheses.
    pub params: &'a str,
    /// Attribute groups, section, opening brace.
    pub rest: &'a str,
}

/// Splits a function definition; `None` for any other line.
pub fn split_signature(line: &str) -> Option<Signature<'_>> {
    let body = line.strip_prefix("define ")?;
    let (returns, from_name) = body.split_at(body.find('@')?);
    let name_length = if from_name.starts_with("@\"") {
        from_name.get(2..)?.find('"')?.checked_add(3)?
    } else {
        from_name.find('(')?
    };
    let (name, from_params) = from_name.split_at_checked(name_length)?;
    let params_and_rest = from_params.strip_prefix('(')?;
    let (params, from_close) = params_and_rest.split_at(closing_parenthesis(params_and_rest)?);
    Some(Signature { returns, name, params, rest: from_close.strip_prefix(')')? })
}

/// Where the parenthesis closes that was open before `text`.
fn closing_parenthesis(text: &str) -> Option<usize> {
    let mut depth = 1_usize;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(index);
        }
    }
    None
}

/// How many argument registers a parameter list takes: an `i128` takes two.
pub fn count_registers(params: &str) -> usize {
    let mut depth = 0_usize;
    params
        .split(|character: char| {
            match character {
                '(' | '[' | '{' | '<' => depth += 1,
                ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
                _ => {}
            }
            character == ',' && depth == 0
        })
        .map(str::trim)
        .filter(|param| !param.is_empty())
        .map(|param| if param.starts_with("i128") { 2 } else { 1 })
        .sum()
}

/// Marks every function the backend has no calling convention for `alwaysinline`, so that none is left
/// to call: those of more than five argument registers, and those that return 128 bits in one value.
pub fn inline_wide_functions(text: &str) -> String {
    let groups: BTreeMap<usize, &str> = text.lines().filter_map(attribute_group).collect();
    let mut next_group = groups.keys().next_back().map_or(0, |last| last + 1);
    let mut inlined_groups: BTreeMap<usize, usize> = BTreeMap::new();
    let mut out = String::with_capacity(text.len() + text.len() / 64);
    for line in text.lines() {
        match split_signature(line).filter(is_wide) {
            None => out.push_str(line),
            Some(signature) => {
                let head = line.strip_suffix(signature.rest).unwrap_or(line);
                out.push_str(head);
                match first_group_reference(signature.rest) {
                    None => {
                        out.push_str(" alwaysinline");
                        out.push_str(signature.rest);
                    }
                    Some((before, group, after)) => {
                        let inlined = *inlined_groups.entry(group).or_insert_with(|| {
                            let fresh = next_group;
                            next_group += 1;
                            fresh
                        });
                        out.push_str(&format!("{before}#{inlined}{after}"));
                    }
                }
            }
        }
        out.push('\n');
    }
    for (old, inlined) in inlined_groups {
        let attributes = groups.get(&old).copied().unwrap_or_default();
        out.push_str(&format!(
            "attributes #{inlined} = {{ {} alwaysinline }}\n",
            without_inlining_obstacles(attributes)
        ));
    }
    out
}

fn is_wide(signature: &Signature<'_>) -> bool {
    signature.name != "@entrypoint"
        && (count_registers(signature.params) > MAX_REGISTER_ARGS
            || signature.returns.split_whitespace().any(|word| word == "i128"))
}

/// `attributes #12 = { … }` as (12, what stands between the braces).
fn attribute_group(line: &str) -> Option<(usize, &str)> {
    let (number, list) = line.strip_prefix("attributes #")?.split_once(" = {")?;
    Some((number.parse().ok()?, list.strip_suffix('}')?.trim()))
}

/// The first `#12` of a definition's tail as (before, 12, after).
fn first_group_reference(rest: &str) -> Option<(&str, usize, &str)> {
    let (before, from_number) = rest.split_once('#')?;
    let digits = from_number.find(|character: char| !character.is_ascii_digit()).unwrap_or(from_number.len());
    let (number, after) = from_number.split_at(digits);
    Some((before, number.parse().ok()?, after))
}

fn without_inlining_obstacles(attributes: &str) -> String {
    let kept: Vec<&str> =
        attributes.split_whitespace().filter(|word| !ATTRIBUTES_AGAINST_INLINING.contains(word)).collect();
    kept.join(" ")
}

/// Turns `llvm.trap`, for which SBPF has no instruction, into the runtime's `abort` syscall.
pub fn traps_to_abort(text: &str) -> String {
    const TRAPS: [&str; 2] = ["@llvm.trap(", "@llvm.ubsantrap("];
    let mut out = String::with_capacity(text.len());
    let mut calls_abort = false;
    let mut declares_abort = false;
    for line in text.lines() {
        declares_abort |= is_declaration_of(line, "@abort(");
        let trap = TRAPS.iter().find_map(|trap| line.split_once(trap));
        match trap {
            // Left in place: an unused declaration costs nothing.
            Some(_) if line.starts_with("declare") => out.push_str(line),
            Some((before, from_arguments)) if before.contains("call ") => {
                let after = from_arguments.split_once(')').map_or("", |(_, after)| after);
                out.push_str(&format!("{before}@abort(){after}"));
                calls_abort = true;
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    if calls_abort && !declares_abort {
        out.push_str("declare void @abort() cold noreturn nounwind\n");
    }
    out
}

fn is_declaration_of(line: &str, name: &str) -> bool {
    (line.starts_with("declare ") || line.starts_with("define ")) && line.contains(name)
}

/// Drops every `sret(<type>)`: it says that a pointer argument is where the result goes, which the backend
/// refuses as an aggregate return, though an ordinary pointer argument does the same. The optimiser removes
/// some, and has its use of the others, so this comes after it.
pub fn without_struct_returns(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let mut line = line.to_owned();
        // Global data may hold any text.
        while let Some(range) = struct_return(&line).filter(|_| !line.starts_with('@')) {
            line.replace_range(range, "");
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// Where the first ` sret(<type>)` of a line stands.
fn struct_return(line: &str) -> Option<Range<usize>> {
    const MARK: &str = " sret(";
    let start = line.find(MARK)?;
    let type_start = start.checked_add(MARK.len())?;
    let type_length = closing_parenthesis(line.get(type_start..)?)?;
    Some(start..type_start + type_length + 1)
}

/// Replaces the arithmetic that would become a call of `__multi3` and the like, which the backend
/// refuses to make: overflow-checked multiplication, and on 128 bits multiplication, division and shifts by
/// a variable amount. (Not replaced: checked multiplication and division of `i128`. They fail in the code
/// generator.)
pub fn expand_wide_arithmetic(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len() + text.len() / 64);
    let mut used = BTreeSet::new();
    for line in text.lines() {
        if let Some((intrinsic, helper)) =
            CHECKED_MULTIPLICATIONS.iter().find(|(intrinsic, _)| line.contains(intrinsic))
        {
            // The helper needs no declaration, and the intrinsic no longer any.
            if line.starts_with("declare ") {
                continue;
            }
            out.push_str(&line.replace(intrinsic, helper));
        } else if let Some((opcode, call)) = wide_operation_as_call(line) {
            used.insert(opcode);
            out.push_str(&call);
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    for (opcode, libcall) in DIVISIONS.iter().filter(|(opcode, _)| used.contains(opcode)) {
        ensure!(
            text.contains(&format!("@{libcall}(")),
            "the program divides 128-bit numbers but does not contain `{libcall}`: add `solana-compiler-builtins` to \
             its dependencies and `#[cfg(target_os = \"solana\")] use solana_compiler_builtins as _;` to its lib.rs"
        );
        out.push_str(&DIVIDE.replace("OPCODE", opcode).replace("LIBCALL", libcall));
    }
    out.push_str(WIDE_ARITHMETIC);
    Ok(out)
}

/// `%r = mul nuw i128 %a, %b` as (`mul`, `%r = call i128 @sbf.mul128(i128 %a, i128 %b)`).
fn wide_operation_as_call(line: &str) -> Option<(&'static str, String)> {
    let (result, operation) = line.split_once(" = ")?;
    let (opcode, flags_and_operands) = operation.split_once(' ')?;
    let opcode = WIDE_OPCODES.iter().copied().find(|wide| *wide == opcode)?;
    let (flags, operands) = flags_and_operands.split_once("i128 ")?;
    let mut parts = operands.splitn(3, ", ");
    let (left, right) = (parts.next()?, parts.next()?);
    let is_shift_by_constant = ["shl", "lshr", "ashr"].contains(&opcode) && right.parse::<u8>().is_ok();
    if is_shift_by_constant || !flags.split_whitespace().all(|flag| ["nuw", "nsw", "exact"].contains(&flag)) {
        return None;
    }
    let metadata = parts.next().map(|metadata| format!(", {metadata}")).unwrap_or_default();
    Some((opcode, format!("{result} = call i128 @sbf.{opcode}128(i128 {left}, i128 {right}){metadata}")))
}

#[cfg(test)]
mod tests;
