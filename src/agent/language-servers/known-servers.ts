import type { LanguageServerConfig } from "../../protocol/config.ts";

/** A language server: how to start it, and the files it handles. */
export type ServerSpec = {
  name: string;
  /** Candidates in order; the first one that is installed is started. */
  commands: readonly ServerCommand[];
  /** File name endings, each with the language's id in the protocol. */
  languages: Readonly<Record<string, string>>;
  /** The user allows it to run any project's code, and to be started from the project's own copy. */
  mayRunProjectCode?: boolean;
};

export type ServerCommand = {
  argv: readonly [string, ...string[]];
  /** Whether it runs code of the project: build scripts, the project's own compiler. */
  runsProjectCode?: boolean;
};

const script = {
  ".ts": "typescript",
  ".mts": "typescript",
  ".cts": "typescript",
  ".tsx": "typescriptreact",
  ".js": "javascript",
  ".mjs": "javascript",
  ".cjs": "javascript",
  ".jsx": "javascriptreact",
};
const c = {
  ".c": "c",
  ".h": "cpp",
  ".cc": "cpp",
  ".cpp": "cpp",
  ".cxx": "cpp",
  ".hpp": "cpp",
  ".hh": "cpp",
  ".m": "objective-c",
};

/** Arguments as each server's own documentation gives them. From TypeScript 7 on, the compiler is a server itself. */
export const knownServers: readonly ServerSpec[] = [
  {
    name: "typescript",
    commands: [
      { argv: ["typescript-language-server", "--stdio"], runsProjectCode: true },
      { argv: ["tsc", "--lsp", "--stdio"] },
    ],
    languages: script,
  },
  {
    name: "pyright",
    commands: [{ argv: ["pyright-langserver", "--stdio"] }, { argv: ["basedpyright-langserver", "--stdio"] }],
    languages: { ".py": "python", ".pyi": "python" },
  },
  { name: "gopls", commands: [{ argv: ["gopls"] }], languages: { ".go": "go" } },
  {
    name: "rust-analyzer",
    commands: [{ argv: ["rust-analyzer"], runsProjectCode: true }],
    languages: { ".rs": "rust" },
  },
  { name: "clangd", commands: [{ argv: ["clangd"] }], languages: c },
];

/** The known servers, changed by the user's configuration, and the servers that only the configuration has. */
export function serversWith(
  config: Readonly<Record<string, LanguageServerConfig>> = {},
): readonly ServerSpec[] {
  const own = Object.entries(config).flatMap(([name, { command, extensions }]): ServerSpec[] => {
    const [program, ...args] = command ?? [];
    const languages = extensions ?? knownServers.find((known) => known.name === name)?.languages;
    if (program === undefined || languages === undefined) return [];
    return [{ name, commands: [{ argv: [program, ...args] }], languages }];
  });
  const named = new Set(own.map(({ name }) => name));
  return [...own, ...knownServers.filter(({ name }) => !named.has(name))]
    .filter(({ name }) => config[name]?.enabled !== false)
    .map((spec) => (config[spec.name]?.enabled === true ? { ...spec, mayRunProjectCode: true } : spec));
}
