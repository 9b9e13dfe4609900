// Before the first paint, so that a dark window does not flash white. The choice is kept by renderer/lib/theme.svelte.ts.
const choice = localStorage.getItem('theme');
const dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
document.documentElement.dataset.theme = dark ? 'dark' : 'light';
