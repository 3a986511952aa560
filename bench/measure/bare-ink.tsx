// The least that Ink can draw: what the terminal's first frame is measured against.
import { render, Text } from "ink";

render(<Text>hearth</Text>);
