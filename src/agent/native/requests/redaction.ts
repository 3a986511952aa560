/** Headers that are worth seeing and hold no secret. All others are named without their value. */
const shownHeaders =
  /^(content-(type|length|encoding)|accept.*|user-agent|date|retry-after.*|x-request-id|request-id|x-title|anthropic-(version|beta|ratelimit-.*)|openai-(beta|version|model|processing-ms)|x-ratelimit-.*|transfer-encoding|cache-control)$/;
const hidden = "[redacted]";

/** Leaves secrets out of what is kept of a request. */
export function createRedaction(secrets: readonly string[]) {
  const plain = (text: string): string =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, hidden), text);
  return {
    plain,
    /** Some providers take the key as a parameter. */
    url(text: string): string {
      const [path = "", query] = plain(text).split("?", 2);
      if (query === undefined) return path;
      const params = new URLSearchParams(query);
      for (const name of [...params.keys()]) if (name !== "alt") params.set(name, hidden);
      return `${path}?${params.toString()}`;
    },
    headers: (all: Readonly<Record<string, string>>): Record<string, string> =>
      Object.fromEntries(
        Object.entries(all).map(([name, value]) => [
          name.toLowerCase(),
          shownHeaders.test(name.toLowerCase()) ? plain(value) : hidden,
        ]),
      ),
  };
}
