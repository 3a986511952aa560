/** Instead of an image's name: the project's own dev container (containers.dev). With "@" and a hash: as it was then. */
export const DEV_CONTAINER = "devcontainer";

export const isDevContainer = (image: string): boolean =>
  image === DEV_CONTAINER || image.startsWith(`${DEV_CONTAINER}@`);

/** For a sentence: where commands run. */
export const containerLabel = (image: string): string =>
  isDevContainer(image) ? "the dev container" : `a container of ${image}`;
