import { foldCase, segmentsOf } from "./path-rules.ts";

/** Why a path is protected: writing it asks in every mode, whatever rules and grants say. */
type Kind =
  | "git's own files"
  | "a shell start-up file"
  | "an agent's configuration"
  | "an editor's configuration"
  | "a key or access setting"
  | "a scheduled or start-up job";

/** Names that are protected in every folder, also before they exist. */
const named: ReadonlyMap<string, Kind> = new Map(
  (
    [
      ["git's own files", ".git .githooks .husky .gitconfig"],
      [
        "a shell start-up file",
        `.bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv .zprofile .zlogin .zlogout
         .kshrc .mkshrc .cshrc .tcshrc .login .logout .inputrc .xprofile .xinitrc .xsession .xsessionrc .xserverrc
         .envrc .pam_environment .direnvrc`,
      ],
      [
        "an agent's configuration",
        `.hearth .mcp.json .claude .claude.json .codex .gemini .qwen .opencode opencode.json opencode.jsonc .goose .cursor
         .windsurf .kiro .crush .crush.json crush.json .continue .roo .cline .clinerules .aider.conf.yml .amp .factory
         .augment .kimi .pi .trae .junie .copilot .antigravity .roomodes .kilocode .qoder .iflow .codebuddy`,
      ],
      [
        "an editor's configuration",
        ".vscode .idea .zed .devcontainer .devcontainer.json .vimrc .exrc .nvimrc .emacs .emacs.d",
      ],
      ["a key or access setting", ".netrc .rhosts .shosts"],
    ] as const
  ).flatMap(([kind, names]) => names.split(/\s+/).map((name) => [name, kind] as const)),
);

/** Below the home folder. */
const inHome: readonly (readonly [string, Kind])[] = (
  [
    [
      "a shell start-up file",
      ".config/fish .config/nushell .config/powershell .config/zsh .config/bash .config/direnv .config/environment.d",
    ],
    ["git's own files", ".config/git"],
    [
      "an agent's configuration",
      `.config/goose .config/opencode .config/crush .config/hearth .config/amp .config/github-copilot .config/gemini
       .config/claude .config/codex .config/agents .local/share/opencode .local/share/goose .local/share/crush
       .local/share/hearth .local/state/hearth .cline .agents`,
    ],
    ["an editor's configuration", ".config/zed .config/code .config/nvim .vim"],
    ["a key or access setting", ".ssh .gnupg .docker .kube .aws .npmrc .pypirc"],
    [
      "a scheduled or start-up job",
      ".config/autostart .config/systemd .local/share/systemd library/launchagents library/launchdaemons",
    ],
  ] as const
).flatMap(([kind, names]) => names.split(/\s+/).map((name) => [name, kind] as const));

const inSystem: readonly (readonly [string, Kind])[] = (
  [
    [
      "a shell start-up file",
      "/etc/profile /etc/profile.d /etc/bash.bashrc /etc/bashrc /etc/zsh /etc/zshrc /etc/zshenv /etc/zprofile /etc/environment /etc/fish",
    ],
    [
      "a key or access setting",
      "/etc/sudoers /etc/sudoers.d /etc/ssh /etc/passwd /etc/shadow /etc/pam.d /etc/ld.so.preload",
    ],
    [
      "a scheduled or start-up job",
      "/etc/crontab /etc/cron.d /etc/cron.daily /etc/cron.hourly /etc/systemd /etc/init.d /etc/rc.local /var/spool/cron /library/launchagents /library/launchdaemons",
    ],
    ["git's own files", "/etc/gitconfig"],
  ] as const
).flatMap(([kind, names]) => names.split(/\s+/).map((name) => [name, kind] as const));

/** A name as the most lenient file system compares it: without case, invisible characters and a final dot. */
function laxName(name: string): string {
  const lower = name.toLowerCase();
  if (/^[a-z0-9_.-]*[a-z0-9_-]$/.test(lower)) return lower;
  return foldCase(name.normalize("NFKC").replace(/[\p{Cf}\p{Mn}]/gu, ""))
    .replace(/(?<=.)[. ]+$/, "")
    .replace(/^git~\d$/, ".git")
    .replace(/::\$.*$/, "");
}

/** Paths in lower case with a slash at the end: a path is below another if it starts with it. */
export type ProtectedPlaces = {
  root: string;
  /** hearth's own folders and socket. */
  own: readonly string[];
  named: readonly (readonly [string, Kind])[];
};

/** In lower case: any spelling that may lead to a protected path counts. */
const comparable = (segments: readonly string[]): string =>
  foldCase(`/${segments.map((part) => `${part}/`).join("")}`);

export function protectedPlaces(root: string, home: string, own: readonly string[]): ProtectedPlaces {
  const folder = (path: string) => comparable(segmentsOf(path));
  return {
    root: folder(root),
    own: own.map(folder),
    named: [
      ...inHome.map(([name, kind]) => [folder(`${home}/${name}`), kind] as const),
      ...inSystem.map(([name, kind]) => [folder(name), kind] as const),
    ],
  };
}

export const startsWith = (segments: readonly string[], prefix: readonly string[]): boolean =>
  prefix.length <= segments.length && prefix.every((segment, index) => segment === segments[index]);

/** Is it one of hearth's own files? A folder of hearth that contains the root does not make the root one of them. */
export function isOwn(segments: readonly string[], places: ProtectedPlaces): boolean {
  const path = comparable(segments);
  const inRoot = path.startsWith(places.root);
  return places.own.some((own) => path.startsWith(own) && !(inRoot && places.root.startsWith(own)));
}

/** Why writing the path is protected, if it is. Inside the root, the names of folders above it do not count. */
export function protectedKind(segments: readonly string[], places: ProtectedPlaces): string | undefined {
  const path = comparable(segments);
  const inRoot = path.startsWith(places.root);
  const above = inRoot ? places.root.split("/").length - 2 : 0;
  for (const segment of segments.slice(above)) {
    const kind = named.get(laxName(segment));
    if (kind !== undefined) return kind;
  }
  return places.named.find(
    ([place]) => path.startsWith(place) && !(inRoot && places.root.startsWith(place)),
  )?.[1];
}
