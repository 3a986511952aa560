// Apart, because a bundle gives only the default export of a CommonJS package that is imported lazily.
export { Agent, ProxyAgent, Response, request } from "undici";
