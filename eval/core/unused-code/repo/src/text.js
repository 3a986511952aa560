export const upper = (text) => text.toUpperCase();

export const lower = (text) => text.toLowerCase();

export const shout = (text) => `${upper(text)}!`;

export const whisper = (text) => `${lower(text)}…`;

export const reverse = (text) => [...text].reverse().join("");
