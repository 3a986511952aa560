// Stands for react-devtools-core, which Ink imports only while developing.
export default undefined;
