import type { SyntaxNode } from "unbash";
import type { ScriptScope } from "../shell/scope.ts";
import { literalText } from "../shell/variables.ts";
import type { ShellWord } from "../shell/words.ts";

/**
 * Where the shell evaluates the value of a variable once more. In arithmetic `x='a[$(reboot)]'; echo $((x))`
 * reboots, so that only numbers are let through there.
 */
export function arithmeticProblem(node: SyntaxNode, scope: ScriptScope): string | undefined {
  switch (node.type) {
    case "ArithmeticWord":
      return problemOf(node.value, scope);
    case "ArithmeticCommandExpansion":
      return "arithmetic on the output of a command";
    case "Slice":
      return problemOf(node.offset.text, scope) ?? problemOf(node.length?.text ?? "", scope);
    case "Assignment":
      return problemOf(node.index?.text ?? "", scope);
    case "TestBinary":
      if (!/^-(eq|ne|lt|le|gt|ge)$/.test(node.operator)) return undefined;
      return problemOf(node.left.text, scope) ?? problemOf(node.right.text, scope);
    case "TestUnary":
      if (!/^-[vR]$/.test(node.operator) || /^\w+$/.test(node.operand.text)) return undefined;
      return "a variable's name that is evaluated";
    case "ParameterExpansion": {
      const every = node.index?.text === "@" || node.index?.text === "*";
      if (node.prefix === "!" && node.operation?.type !== "Names" && !every) return `indirect ${node.text}`;
      return every ? undefined : problemOf(node.index?.text ?? "", scope);
    }
    case "Transform": {
      const letter = literalText(node.operand);
      return letter === undefined || letter === "P" ? "a value that is expanded once more" : undefined;
    }
    default:
      return undefined;
  }
}

function problemOf(text: string, scope: ScriptScope): string | undefined {
  if (text === "" || /^\d+$/.test(text)) return undefined;
  if (/\$\(|`|\$[\d@*]|\$\{[\d@*!]/.test(text)) return "arithmetic on what is known only as it runs";
  for (const [name] of text.matchAll(/(?<![\w#])[A-Za-z_]\w*/g)) {
    if (scope.tainted) return `arithmetic on ${name}`;
    if (!scope.variables.assigned.has(name)) continue;
    const values = scope.assignedValues(name);
    const plain =
      values === "digits" || (values !== "unknown" && values.every((value) => /^-?\d*$/.test(value)));
    if (!plain) return `arithmetic on ${name}`;
  }
  return undefined;
}

/** Builtins that evaluate the names they are given. */
export function builtinProblem(words: readonly ShellWord[]): string | undefined {
  const [program, ...args] = words.map((word) => word.text);
  switch (program) {
    case "declare":
    case "typeset":
    case "local":
    case "readonly":
    case "export":
      return args.some((arg) => /^-\w*[in]|\[/.test(arg))
        ? `${program} that evaluates its values`
        : undefined;
    case "unset":
    case "read":
    case "mapfile":
    case "readarray":
    case "getopts":
    case "wait":
      return args.some((arg) => arg.includes("[")) ? `${program} that evaluates a name` : undefined;
    case "printf":
      return /^-v/.test(args[0] ?? "") && !/^\w+$/.test(args[1] ?? "")
        ? "printf that evaluates a name"
        : undefined;
    case "test":
    case "[": {
      const at = args.findIndex((arg) => arg === "-v" || arg === "-R");
      return at >= 0 && !/^\w+$/.test(args[at + 1] ?? "") ? "test that evaluates a name" : undefined;
    }
    case "let":
      return "let";
    default:
      return undefined;
  }
}
