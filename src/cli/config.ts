import type { Context } from "./context.ts";
import { exitCodes } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";

/** `hearth config show|path|schema`. Reads the files itself, so it works without a daemon. */
export async function config(parsed: Parsed, context: Context): Promise<number> {
  switch (parsed.command.path[1]) {
    case "path":
      return path(parsed, context);
    case "schema": {
      const { configSchema } = await import("../server/config/schema.ts");
      await context.out.json(configSchema(), 2);
      return exitCodes.done;
    }
    default:
      return show(parsed, context);
  }
}

async function path({ options }: Parsed, { paths, out, cwd }: Context): Promise<number> {
  const { projectConfigFile } = await import("../server/config/load.ts");
  if (options["json"] === true) {
    await out.json({ user: paths.configFile, project: projectConfigFile(cwd()) });
  } else await out.exact(`${options["project"] === true ? projectConfigFile(cwd()) : paths.configFile}\n`);
  return exitCodes.done;
}

async function show({ options }: Parsed, { paths, out, err, cwd }: Context): Promise<number> {
  const { loadConfig } = await import("../server/config/load.ts");
  const { config: loaded, limits, warnings, sources } = loadConfig({ paths, root: cwd() });
  const shown = { ...withoutSecrets(loaded), limits };
  if (options["json"] === true) {
    await out.json({ config: shown, sources, warnings }, 2);
    return exitCodes.done;
  }
  for (const { kind, path: file, exists } of sources) {
    await out.line(`// ${kind.padEnd(7)} ${file}${exists ? "" : " (none)"}`);
  }
  await out.json(shown, 2);
  for (const warning of warnings) await err.line(`hearth: ${warning}`);
  return exitCodes.done;
}

/** Keys written in the file, headers and environments are not printed. */
function withoutSecrets(value: unknown, key = ""): Record<string, unknown> {
  const hide = (inner: unknown, name: string): unknown => {
    if (typeof inner === "string") return isSecret(name, key, inner) ? "(hidden)" : inner;
    if (Array.isArray(inner) || typeof inner !== "object" || inner === null) return inner;
    return withoutSecrets(inner, name);
  };
  return Object.fromEntries(Object.entries(value ?? {}).map(([name, inner]) => [name, hide(inner, name)]));
}

const isSecret = (name: string, parent: string, text: string): boolean =>
  !text.startsWith("env:") && (name === "api_key" || parent === "headers" || parent === "env");
