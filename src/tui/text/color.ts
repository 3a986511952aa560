import type { Color } from "../theme.ts";

type Rgb = readonly [number, number, number];

/** xterm's default values of the sixteen colours, in the order of SGR 30 to 37 and 90 to 97. */
const palette: readonly (readonly [string, Rgb])[] = [
  ["black", [0, 0, 0]],
  ["red", [205, 0, 0]],
  ["green", [0, 205, 0]],
  ["yellow", [205, 205, 0]],
  ["blue", [0, 0, 238]],
  ["magenta", [205, 0, 205]],
  ["cyan", [0, 205, 205]],
  ["white", [229, 229, 229]],
  ["bright_black", [127, 127, 127]],
  ["bright_red", [255, 0, 0]],
  ["bright_green", [0, 255, 0]],
  ["bright_yellow", [255, 255, 0]],
  ["bright_blue", [92, 92, 255]],
  ["bright_magenta", [255, 0, 255]],
  ["bright_cyan", [0, 255, 255]],
  ["bright_white", [255, 255, 255]],
];

/** The levels of the 6 × 6 × 6 cube in the 256 colours. */
const cubeLevels = [0, 95, 135, 175, 215, 255] as const;

const rgbOf = (hex: string): Rgb => {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
};

const distance = (a: Rgb, b: Rgb): number => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;

function nearestOf16(rgb: Rgb): number {
  const distances = palette.map(([, candidate]) => distance(rgb, candidate));
  return distances.indexOf(Math.min(...distances));
}

function nearestOf256(rgb: Rgb): number {
  const steps = rgb.map((channel) => {
    const distances = cubeLevels.map((level) => Math.abs(level - channel));
    return distances.indexOf(Math.min(...distances));
  });
  const [red = 0, green = 0, blue = 0] = steps;
  const cube: Rgb = [cubeLevels[red] ?? 0, cubeLevels[green] ?? 0, cubeLevels[blue] ?? 0];
  const step = Math.max(0, Math.min(23, Math.round(((rgb[0] + rgb[1] + rgb[2]) / 3 - 8) / 10)));
  const level = 8 + step * 10;
  const isGrey = distance(rgb, [level, level, level]) < distance(rgb, cube);
  return isGrey ? 232 + step : 16 + 36 * red + 6 * green + blue;
}

/** A colour at a colour depth, as Ink's `Text` takes it: "#7ab7ff", "ansi256(75)" or "blueBright". */
export function inkColorOf(color: Color, depth: "16" | "256" | "truecolor"): string {
  const named = palette.findIndex(([name]) => name === color.ansi);
  if (!("hex" in color)) return inkNameOf(named);
  if (depth === "truecolor") return color.hex;
  const rgb = rgbOf(color.hex);
  if (depth === "256") return `ansi256(${nearestOf256(rgb)})`;
  return inkNameOf(named === -1 ? nearestOf16(rgb) : named);
}

const BRIGHT = "bright_";
const inkNameOf = (index: number): string => {
  const [name] = palette[index] ?? ["white"];
  return name.startsWith(BRIGHT) ? `${name.slice(BRIGHT.length)}Bright` : name;
};

/** The SGR parameters for a result of `inkColorOf`. */
export function sgrOfColor(color: string, layer: "foreground" | "background"): string {
  const base = layer === "background" ? 10 : 0;
  if (color.startsWith("#")) return `${38 + base};2;${rgbOf(color).join(";")}`;
  const indexed = /^ansi256\((\d+)\)$/.exec(color)?.[1];
  if (indexed !== undefined) return `${38 + base};5;${indexed}`;
  const index = palette.findIndex((_, at) => inkNameOf(at) === color);
  return String((index < 8 ? 30 + index : 82 + index) + base);
}
