/** What makes a terminal do something instead of showing something is left out. Tabs and line ends stay. */
export const withoutEscapes = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "");
