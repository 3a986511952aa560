// Loaded when the first front matter is read. The bundle gives a CommonJS package's names to a static import only.
export { parse } from "yaml";
