const options = {
  "--out FILE": "where to write",
  "--level N": "from 1 to 9",
  "--quiet": "print nothing",
};
if (process.argv.includes("--help"))
  for (const [name, text] of Object.entries(options)) console.log(`${name}  ${text}`);
