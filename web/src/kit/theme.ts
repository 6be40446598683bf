import { createTheme, type MantineColorsTuple } from '@mantine/core';

const bamboo: MantineColorsTuple = [
  '#edf7f0',
  '#d8ebde',
  '#b0d6bc',
  '#85c098',
  '#61ae79',
  '#48a265',
  '#2b7a4b',
  '#256b41',
  '#1d5a36',
  '#12482a',
];

const slate: MantineColorsTuple = [
  '#d3dce6',
  '#b6c3d1',
  '#9fb0c3',
  '#66778a',
  '#3a4859',
  '#2a3645',
  '#1d2836',
  '#18212d',
  '#0f1620',
  '#0a0f17',
];

export const theme = createTheme({
  colors: { bamboo, dark: slate },
  primaryColor: 'bamboo',
  primaryShade: { light: 6, dark: 6 },
  fontFamily: "'Be Vietnam Pro', system-ui, 'Segoe UI', Roboto, sans-serif",
  headings: { fontWeight: '600', fontFamily: "'Be Vietnam Pro', system-ui, 'Segoe UI', Roboto, sans-serif" },
  defaultRadius: 6,
  respectReducedMotion: true,
  components: {
    Tooltip: { defaultProps: { openDelay: 300, transitionProps: { duration: 100 } } },
    Modal: { defaultProps: { transitionProps: { duration: 120 }, centered: true } },
    Drawer: { defaultProps: { transitionProps: { duration: 120 } } },
    Popover: { defaultProps: { shadow: 'md', transitionProps: { duration: 100 } } },
    Menu: { defaultProps: { shadow: 'md', transitionProps: { duration: 100 } } },
  },
});
