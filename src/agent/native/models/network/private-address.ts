import { BlockList, isIP } from "node:net";

const privateRanges = new BlockList();
for (const [address, bits] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["100.64.0.0", 10],
] as const)
  privateRanges.addSubnet(address, bits, "ipv4");
for (const [address, bits] of [
  ["::1", 128],
  ["fc00::", 7],
  ["fe80::", 10],
] as const)
  privateRanges.addSubnet(address, bits, "ipv6");

/** Whether the server is on the user's own machine or network: slow at reading prompts, and free of charge. */
export function isPrivateAddress(baseUrl: string): boolean {
  const host = new URL(baseUrl).hostname.replace(/^\[|\]$/g, "");
  const version = isIP(host);
  if (version !== 0) return privateRanges.check(host, version === 4 ? "ipv4" : "ipv6");
  return (
    host === "localhost" || !host.includes(".") || /\.(localhost|local|lan|home|internal|ts\.net)$/.test(host)
  );
}
