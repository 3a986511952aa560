export const upper = (text) => text.toUpperCase();

export const shout = (text) => `${upper(text)}!`;

export const reverse = (text) => [...text].reverse().join("");
