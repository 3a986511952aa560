const signs = [
  [1000, "M"], [900, "CM"], [500, "D"], [400, "CD"], [100, "C"], [90, "XC"],
  [50, "L"], [40, "XL"], [10, "X"], [9, "IX"], [5, "V"], [4, "IV"], [1, "I"],
];

/** Throws RangeError for what is not a whole number from 1 to 3999. */
export function roman(number) {
  if (!Number.isInteger(number) || number < 1 || number > 3999) throw new RangeError(`${number}`);
  let text = "";
  for (const [value, sign] of signs)
    while (number >= value) {
      text += sign;
      number -= value;
    }
  return text;
}
