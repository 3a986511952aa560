import type { SyntaxNode } from "unbash";
import { literalText } from "./variables.ts";
import type { ShellWord } from "./words.ts";

/**
 * Where the shell evaluates the value of a variable once more. In arithmetic `x='a[$(reboot)]'; echo $((x))`
 * reboots, so that only numbers pass there.
 */
export function evaluationProblem(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case "ArithmeticWord":
      return problemOf(node.value);
    case "ArithmeticCommandExpansion":
      return "arithmetic on the output of a command";
    case "Slice":
      return problemOf(node.offset.text, node.length?.text);
    case "Assignment":
      return problemOf(node.index?.text);
    case "TestBinary":
      return /^-(eq|ne|lt|le|gt|ge)$/.test(node.operator)
        ? problemOf(node.left.text, node.right.text)
        : undefined;
    case "TestUnary":
      return !/^-[vR]$/.test(node.operator) || /^\w+$/.test(node.operand.text)
        ? undefined
        : "a variable's name that is evaluated";
    case "ParameterExpansion": {
      const every = node.index?.text === "@" || node.index?.text === "*";
      if (node.prefix === "!" && node.operation?.type !== "Names" && !every) return `indirect ${node.text}`;
      return every ? undefined : problemOf(node.index?.text);
    }
    case "Transform": {
      const letter = literalText(node.operand);
      return letter === undefined || letter === "P" ? "a value that is expanded once more" : undefined;
    }
    default:
      return undefined;
  }
}

/** Numbers, operators, `$?` and `$#` are all that arithmetic may be made of. */
const problemOf = (...texts: readonly (string | undefined)[]): string | undefined =>
  texts.every((text) => /^(\$\{?[?#]\}?|[^\w$`'"\\[\]]|\d+(?!\w))*$/.test(text ?? ""))
    ? undefined
    : "arithmetic on what is known only as it runs";

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
