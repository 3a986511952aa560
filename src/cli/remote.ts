import { parseRemoteAddress, type RemoteAddress } from "../client/remote/address.ts";
import type { Remote } from "../client/remote/remote.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";

/** The machine of `--remote`; undefined without it. Throws HearthError, and UsageError for --send-keys alone. */
export function remoteAddressOf(options: Parsed["options"]): RemoteAddress | undefined {
  const named = options["remote"];
  if (typeof named === "string") return parseRemoteAddress(named);
  if (options["send-keys"] === true) throw new UsageError("--send-keys goes with --remote.");
  return undefined;
}

/** Connects before anything is drawn: ssh may ask for a password, or whether to trust a host. */
export async function connectTo(
  address: RemoteAddress,
  sendsKeys: boolean,
  { env, err }: Context,
  signal: AbortSignal,
): Promise<Remote> {
  const { openRemote } = await import("../client/remote/remote.ts");
  const onStderr = (text: string) => {
    // Such as the request to touch a security key. Without a person there is only the sentence at the end.
    if (err.isTerminal()) process.stderr.write(text);
  };
  return openRemote({ address, env, sendsKeys, onStderr }, signal);
}
