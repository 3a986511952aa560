import type { Folders } from "../shell/folders.ts";
import type { ShellWord } from "../shell/words.ts";
import { catastrophe, type VitalPlaces } from "./catastrophe.ts";

/** What says where a program lies and runs nothing else: `$(which node)`, `$(command -v node)`, `$(xcrun -f clang)`. */
const locating =
  /^(?:\$\(|`)\s*(?:\w+ )?(?:which|whereis -b|command -v|type -[pP]|xcrun (?:-f|--find)) ([\w./+-]+)\s*[)`]$/;

/**
 * The program that a name stands for which is known only as the line runs: what follows its last slash, or what is
 * looked for. `hidden`: it is made by another command, so that it may be any program.
 */
function programOf({ pieces }: ShellWord): { known: string } | { hidden: boolean } {
  const last = pieces.at(-1);
  if (last === undefined) return { hidden: false };
  const tail = last.kind === "text" ? /\/([^/]+)$/.exec(last.text)?.[1] : undefined;
  if (tail !== undefined) return { known: tail };
  const found = locating.exec(last.kind === "unknown" ? last.text : "")?.[1];
  if (found !== undefined && pieces.length === 1) return { known: found.split("/").at(-1) ?? found };
  const slash = pieces.findLastIndex((piece) => piece.kind === "text" && piece.text.includes("/"));
  const name = pieces.slice(slash + 1);
  return { hidden: name.some((piece) => piece.kind === "unknown" && /^(\$\(|`)/.test(piece.text)) };
}

/** Why a command must ask whose program is known only as it runs, whatever the mode. */
export function whatItMayBe(
  name: ShellWord,
  args: readonly ShellWord[],
  folders: Folders,
  placesOf: () => VitalPlaces,
): string[] {
  const asRemoval = catastrophe("rm", args, folders, placesOf);
  const removes = asRemoval !== undefined && args.some((word) => word.text.startsWith("-"));
  const program = programOf(name);
  const asNamed =
    "known" in program ? catastrophe(program.known.toLowerCase(), args, folders, placesOf) : undefined;
  const isHidden = "hidden" in program && program.hidden;
  return [
    ...(removes ? [asRemoval] : []),
    ...(asNamed === undefined ? [] : [asNamed]),
    ...(isHidden ? [`another command says which program runs: ${name.text}`] : []),
  ];
}
