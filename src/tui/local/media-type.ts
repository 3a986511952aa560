const types: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  pdf: "application/pdf",
};

/** What a file is, by its name; everything else is taken for text, and looked at by whoever reads it. */
export const mediaTypeOf = (path: string): string =>
  types[path.slice(path.lastIndexOf(".") + 1).toLowerCase()] ?? "text/plain";

export const isImage = (path: string): boolean => mediaTypeOf(path).startsWith("image/");

/** Of a folder, as freedesktop.org names it. */
export const FOLDER_TYPE = "inode/directory";
