import { compileText, escapeWildcards, matchText } from "../../wildcards.ts";
import { foldCase, segmentsOf } from "../paths/path-rules.ts";
import { type Folders, isSomewhere, SOMEWHERE } from "../shell/folders.ts";
import type { ShellWord } from "../shell/words.ts";

/** The folders whose removal asks in every mode. */
export type VitalPlaces = {
  root: string;
  /** In lower case, without the first slash. */
  paths: readonly string[];
  realPath(path: string): string | undefined;
};

const systemFolders =
  `/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /media /mnt /opt /proc /root /run /sbin /srv /sys /usr
  /usr/bin /usr/lib /usr/lib64 /usr/sbin /usr/share /usr/local /usr/include /var /var/lib /var/log /Users /System /Library
  /Applications /Volumes /private /private/etc /private/var /nix`.split(/\s+/);

/** `roots` are the workspace and `homes` the home folder, each as written and by its real path. */
export function vitalPlaces(
  roots: readonly string[],
  homes: readonly string[],
  own: readonly string[],
  realPath: VitalPlaces["realPath"],
): VitalPlaces {
  const paths = new Set<string>();
  const add = (segments: readonly string[]) => void paths.add(foldCase(segments.join("/")));
  for (const folder of [...systemFolders, ...own]) add(segmentsOf(folder));
  for (const folder of [...roots, ...homes]) {
    const segments = segmentsOf(folder);
    for (let length = 0; length <= segments.length; length += 1) add(segments.slice(0, length));
  }
  for (const root of roots) add([...segmentsOf(root), ".git"]);
  return { root: roots[0] ?? "/", paths: [...paths], realPath };
}

/** Stands in a pattern for what is known only as it runs. */
const ANYTHING = SOMEWHERE.slice(1);

type Target = {
  /** Absolute, in lower case; literal text has its wildcards escaped. */
  segments: readonly string[];
  /** Without wildcards and unknown parts. */
  literal: string | undefined;
};

function targetsOf(word: ShellWord, folders: Folders): Target[] {
  const source = word.pieces
    .map((piece) =>
      piece.kind === "text" ? escapeWildcards(piece.text) : piece.kind === "glob" ? piece.text : ANYTHING,
    )
    .join("");
  return (/^[/\u{f8ff}]/u.test(source) ? ["/"] : folders).map((folder) => {
    const whole = `${escapeWildcards(folder)}/${source}`;
    const literal = !isSomewhere(folder) && word.pieces.every((piece) => piece.kind === "text");
    return {
      segments: segmentsOf(whole).map(foldCase),
      literal: literal ? whole.replace(/\\(.)/gsu, "$1") : undefined,
    };
  });
}

/** A pattern for all that a folder holds: `*`, `.*`, `?*`, `.[!.]*`. */
const isEverything = (segment: string | undefined): boolean =>
  segment !== undefined && /\*/.test(segment) && /^(?:[.*?]|\[[^\]]*\])*$/.test(segment);

function couldBeOne(segments: readonly string[], places: VitalPlaces): boolean {
  const source = segments.join("/");
  const last = source.lastIndexOf(ANYTHING);
  // The part before an unknown one does not count: the unknown part may be `../..`.
  const pattern = compileText(last < 0 ? source : `*${source.slice(last + ANYTHING.length)}`);
  return places.paths.some((vital) => matchText(pattern, vital));
}

/** Would removing this path, with all in it, remove a vital folder? */
function isVital(word: ShellWord, folders: Folders, places: VitalPlaces): boolean {
  return targetsOf(word, folders).some(({ segments, literal }) => {
    if (segments.at(-1)?.endsWith(ANYTHING) && segments.at(-1)?.replaceAll(ANYTHING, "") === "") return true;
    const hit = (path: readonly string[]) => couldBeOne(path, places);
    if (hit(segments) || isGitFolder(segments)) return true;
    if (isEverything(segments.at(-1)) && hit(segments.slice(0, -1))) return true;
    if (literal === undefined) return false;
    const real = places.realPath(literal);
    if (real === undefined) return true;
    const realSegments = segmentsOf(real).map(foldCase);
    return hit(realSegments) || isGitFolder(realSegments);
  });
}

const isGitFolder = (segments: readonly string[]): boolean => {
  const last = segments.at(-1);
  // A star at the start does not match a dot. A pattern for everything counts as its folder.
  return (
    last !== undefined &&
    /^[.\u{f8ff}\\]/u.test(last) &&
    !isEverything(last) &&
    matchText(compileText(last), ".git")
  );
};

const operandsOf = (args: readonly ShellWord[]): ShellWord[] => {
  const end = args.findIndex((word) => word.text === "--");
  return args.filter((word, index) => (end >= 0 && index > end) || !word.text.startsWith("-"));
};
const hasLetter = (args: readonly ShellWord[], letters: RegExp, long: RegExp): boolean =>
  args.some(({ text }) => (/^-[^-]/.test(text) && letters.test(text)) || long.test(text));

const destroyers =
  /^(mkfs(\..+)?|mke2fs|mkswap|newfs(_.+)?|wipefs|blkdiscard|fdisk|sfdisk|cfdisk|gdisk|sgdisk|parted|partprobe|badblocks|hdparm|cryptsetup|lvremove|vgremove|pvremove|mdadm|shutdown|reboot|halt|poweroff|killall5|userdel|groupdel)$/;

/**
 * Why the command cannot be undone, or undefined. These ask in every mode. `args` are the words after the program; an
 * unknown part counts as anything that it may be.
 */
export function catastrophe(
  program: string,
  args: readonly ShellWord[],
  folders: Folders,
  placesOf: () => VitalPlaces,
): string | undefined {
  const vital = (word: ShellWord) => isVital(word, folders, placesOf());
  const texts = args.map((word) => word.text);
  const first = (words: readonly ShellWord[]) => words.find(vital)?.text;
  switch (program) {
    case "rm": {
      const operands = operandsOf(args);
      if (texts.includes("--no-preserve-root")) return "removes without regard for the root folder";
      const recursive = hasLetter(args, /[rR]/, /^--r/);
      const target = first(
        recursive ? operands : operands.filter((word) => isEverything(word.text.split("/").at(-1))),
      );
      return target === undefined ? undefined : `may remove a folder that everything depends on: ${target}`;
    }
    case "mv": {
      const operands = operandsOf(args);
      const target = first(operands.slice(0, -1));
      return target === undefined ? undefined : `moves a folder that everything depends on: ${target}`;
    }
    case "chmod":
    case "chown":
    case "chgrp": {
      if (!hasLetter(args, /R/, /^--rec/)) return undefined;
      // Changing the workspace itself is common.
      const root = foldCase(segmentsOf(placesOf().root).join("/"));
      const beyond: VitalPlaces = { ...placesOf(), paths: placesOf().paths.filter((path) => path !== root) };
      const target = operandsOf(args)
        .slice(1)
        .find((word) => isVital(word, folders, beyond))?.text;
      return target === undefined
        ? undefined
        : `changes who may use a folder that everything depends on: ${target}`;
    }
    case "find": {
      const deletes = texts.some(
        (text, at) =>
          text === "-delete" ||
          (/^-(exec|execdir)$/.test(text) && /(^|\/)(rm|shred|unlink)$/.test(texts[at + 1] ?? "")),
      );
      if (!deletes) return undefined;
      const end = texts.findIndex((text) => /^[-(!]/.test(text) && !/^-[HLPDO]/.test(text));
      const starts = args.slice(0, end < 0 ? undefined : end).filter((word) => !word.text.startsWith("-"));
      const narrowed = texts.some((text) =>
        /^-(i?name|i?path|i?regex|i?wholename|empty|size|newer|mtime|mmin|perm|user)$/.test(text),
      );
      const rootName = segmentsOf(placesOf().root).map(foldCase).join("/");
      const here =
        starts.length === 0 ? [{ pieces: [{ kind: "text", text: "." }], text: "." } as const] : starts;
      const target = here.find(
        (word) =>
          vital(word) &&
          !(
            narrowed &&
            targetsOf(word, folders).every(({ segments }) => segments.join("/").startsWith(rootName))
          ),
      )?.text;
      return target === undefined ? undefined : `removes what it finds in ${target}`;
    }
    case "rsync": {
      const target = texts.some((text) => /^--del/.test(text))
        ? first(operandsOf(args).slice(-1))
        : undefined;
      return target === undefined ? undefined : `removes what is not in the source from ${target}`;
    }
    case "kill":
      return texts.includes("-1") && texts.at(-1) === "-1" && texts.length > 1
        ? "stops every process"
        : undefined;
    case "init":
    case "telinit":
      return /^[06]$/.test(texts[0] ?? "") ? "stops the machine" : undefined;
    case "systemctl":
      return texts.some((text) => /^(poweroff|reboot|halt|kexec|emergency|rescue)$/.test(text))
        ? "stops the machine"
        : undefined;
    case "crontab":
      return texts.includes("-r") ? "removes every scheduled job" : undefined;
    case "diskutil":
      return texts.some((text) => /^(erase|partition|zero|secureErase|reformat)/i.test(text))
        ? "erases a disk"
        : undefined;
    case "zpool":
    case "zfs":
      return texts.includes("destroy") ? "destroys a file system" : undefined;
    default:
      return destroyers.test(program) ? `${program} cannot be taken back` : undefined;
  }
}
