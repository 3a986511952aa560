/**
 * Segments text as Intl.Segmenter does and makes one when it is needed: that takes 10 to 20 ms, and ordinary text is
 * never segmented. In the bundle it stands for Intl.Segmenter, of which Ink's packages make five while they load.
 */
export class LazySegmenter {
  readonly #make: () => Intl.Segmenter;
  #made: Intl.Segmenter | undefined;

  constructor(...options: ConstructorParameters<typeof globalThis.Intl.Segmenter>) {
    this.#make = () => new globalThis.Intl.Segmenter(...options);
  }

  segment(text: string): Intl.Segments {
    this.#made ??= this.#make();
    return this.#made.segment(text);
  }
}
