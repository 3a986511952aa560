// The least prompt that Ink can draw: what hearth's start, echo and memory in a terminal are measured against.
import { render, Text, useInput } from "ink";
import { useState } from "react";

function Prompt() {
  const [typed, setTyped] = useState("");
  useInput((input) => setTyped((before) => before + input));
  return <Text>› {typed}</Text>;
}
render(<Prompt />);
