/** A piece of a template: text as it stands, or a variable. */
type Piece =
  | { kind: "text"; text: string }
  | { kind: "variable"; name: string; isReserved: boolean; source: string };

/** How the operators of RFC 6570 begin an expression, part its variables, and whether they name them. */
const OPERATORS: Readonly<Record<string, { first: string; between: string; isNamed: boolean }>> = {
  "": { first: "", between: ",", isNamed: false },
  "+": { first: "", between: ",", isNamed: false },
  "#": { first: "#", between: ",", isNamed: false },
  ".": { first: ".", between: ".", isNamed: false },
  "/": { first: "/", between: "/", isNamed: false },
  ";": { first: ";", between: ";", isNamed: true },
  "?": { first: "?", between: "&", isNamed: true },
  "&": { first: "&", between: "&", isNamed: true },
};

function piecesOf(template: string): Piece[] {
  return template.split(/(\{[^{}]*\})/).flatMap((part): Piece[] => {
    const [, operator = "", names] = /^\{([+#./;?&]?)([^{}]*)\}$/.exec(part) ?? [];
    if (names === undefined) return part === "" ? [] : [{ kind: "text", text: part }];
    const { first, between, isNamed } = OPERATORS[operator] ?? { first: "", between: ",", isNamed: false };
    const isReserved = operator === "+" || operator === "#";
    return names.split(",").flatMap((written, at): Piece[] => {
      const name = written.replace(/(\*|:\d+)$/, "");
      const before = (at === 0 ? first : between) + (isNamed ? `${name}=` : "");
      return [
        ...(before === "" ? [] : [{ kind: "text", text: before } as const]),
        { kind: "variable", name, isReserved, source: `{${isReserved ? "+" : ""}${name}}` },
      ];
    });
  });
}

const written = (pieces: readonly Piece[]): string =>
  pieces.map((piece) => (piece.kind === "text" ? piece.text : piece.source)).join("");

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a `%` that is only typed so far
  }
}

/** How a URI that is being typed stands in a template. */
export type Filling = {
  /** The variable at its end, and what is typed of it. */
  name: string;
  value: string;
  /** The variables before it. */
  earlier: Readonly<Record<string, string>>;
  /** The URI with this value, and what is left to fill in. */
  with(value: string): string;
};

/** undefined while the typed URI has not reached a variable, or does not fit the template. */
export function fillingOf(template: string, typed: string): Filling | undefined {
  const pieces = piecesOf(template);
  const earlier: Record<string, string> = {};
  let at = 0;
  for (const [index, piece] of pieces.entries()) {
    if (piece.kind === "text") {
      if (!typed.startsWith(piece.text, at)) return undefined;
      at += piece.text.length;
      continue;
    }
    const next = pieces[index + 1];
    const end = next?.kind === "text" ? typed.indexOf(next.text, at) : -1;
    const value = typed.slice(at, end === -1 ? undefined : end);
    if (!piece.isReserved && /[/?#]/.test(value)) return undefined;
    if (end === -1) {
      const before = typed.slice(0, at);
      const rest = written(pieces.slice(index + 1));
      const encode = piece.isReserved ? encodeURI : encodeURIComponent;
      return {
        ...{ name: piece.name, value: decoded(value), earlier },
        with: (whole) => before + encode(whole) + rest,
      };
    }
    earlier[piece.name] = decoded(value);
    at = end;
  }
  return undefined;
}
