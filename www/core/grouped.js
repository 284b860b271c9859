// Numbers as the page writes them. Pure.

/** A whole number with commas: 46,080. (`toLocaleString` is slow to begin with.) */
export const grouped = (value) => String(value).replace(/\B(?=(?:\d{3})+$)/g, ",");
