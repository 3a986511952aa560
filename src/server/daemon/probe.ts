import { get, type IncomingMessage } from "node:http";
import { z } from "zod";

const ANSWER_MS = 2_000;
const HealthReply = z.object({ pid: z.int(), version: z.string() });

/** The daemon that answers on a socket, if any. */
export async function probeDaemon(socketPath: string): Promise<z.infer<typeof HealthReply> | undefined> {
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(
        { socketPath, path: "/v1/health", agent: false, signal: AbortSignal.timeout(ANSWER_MS) },
        resolve,
      ).on("error", reject);
    });
    let text = "";
    for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) text += chunk;
    return HealthReply.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // nobody listens, or it is not hearth
  }
}
