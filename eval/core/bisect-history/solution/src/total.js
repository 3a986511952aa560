import { prices } from "./prices.js";
console.log(prices.reduce((sum, price) => sum + price, 0));
