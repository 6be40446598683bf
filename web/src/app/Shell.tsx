import { ActionIcon, Menu, SegmentedControl, Text, Tooltip, UnstyledButton } from '@mantine/core';
import {
  IconDatabase,
  IconDeviceCctv,
  IconHistory,
  IconLayoutGrid,
  IconLogout,
  IconMoon,
  IconSun,
  IconUserCircle,
} from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { logOut } from '../client/actions';
import { keys, sessionQuery, useMay, useNode } from '../client/queries';
import { asLanguage } from '../kit/words';
import { clockSeconds, fullTime, localTime, two } from '../kit/zone';
import { useNow } from '../kit/useNow';
import classes from './Shell.module.css';
import { chooseLanguage } from './i18n';
import { useScheme } from './scheme';

const PLACES = [
  { to: '/', word: 'app.wall', Icon: IconLayoutGrid, needs: 'live' },
  { to: '/playback', word: 'app.playback', Icon: IconHistory, needs: 'playback' },
  { to: '/cameras', word: 'app.cameras', Icon: IconDeviceCctv, needs: 'playback' },
  { to: '/storage', word: 'app.storage', Icon: IconDatabase, needs: 'configure' },
] as const;

/** Rail on a PC, bar at the bottom on a phone; the header with ward, clock and account. */
export function Shell() {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <div className={classes.shell}>
      <a href="#content" className={classes.skip}>
        {t('app.skip')}
      </a>
      <nav className={classes.rail} aria-label={t('app.places')}>
        {PLACES.filter((place) => may(place.needs) || may('configure')).map(({ to, word, Icon }) => (
          <Link
            key={to}
            to={to}
            className={classes.place}
            activeOptions={{ exact: to === '/', includeSearch: false }}
            activeProps={{ 'aria-current': 'page' }}
          >
            <Icon size={22} aria-hidden />
            <span>{t(word)}</span>
          </Link>
        ))}
      </nav>
      <Header />
      <main id="content" className={classes.content} tabIndex={-1}>
        <PageTitle />
        <Outlet />
      </main>
    </div>
  );
}

/** The page's name, for the tab and for screen readers; the eye has the rail. */
function PageTitle() {
  const { t } = useTranslation();
  const { name } = useNode();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const place = PLACES.find(({ to }) => to === path || (to !== '/' && path.startsWith(`${to}/`)));
  const word = place ? t(place.word) : path === '/readers' ? t('app.readers') : 'Lũy Tre';
  useEffect(() => {
    document.title = [word, name || 'Lũy Tre'].join(' · ');
  }, [word, name]);
  return <h1 className="sr-only">{word}</h1>;
}

function Header() {
  const { t } = useTranslation();
  const { name } = useNode();
  const { scheme, toggle } = useScheme();
  const label = scheme === 'dark' ? t('app.toLight') : t('app.toDark');
  return (
    <header className={classes.header}>
      <Text fw={600} truncate className={classes.ward}>
        {name === '' ? 'Lũy Tre' : name}
      </Text>
      <Clock />
      <LanguageSwitch />
      <Tooltip label={label}>
        <ActionIcon variant="subtle" color="gray" size={36} aria-label={label} data-testid="scheme" onClick={toggle}>
          {scheme === 'dark' ? <IconSun size={20} /> : <IconMoon size={20} />}
        </ActionIcon>
      </Tooltip>
      <Me />
    </header>
  );
}

function Clock() {
  const { t } = useTranslation();
  const { zone, skewMs } = useNode();
  const nowMs = useNow(skewMs);
  const { day, month } = localTime(zone, nowMs);
  return (
    <time className={classes.clock} title={`${t('app.clock')}: ${fullTime(zone, nowMs)} (${zone})`}>
      <span className={classes.date}>
        {two(day)}/{two(month)}
      </span>
      {clockSeconds(zone, nowMs)}
    </time>
  );
}

export function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('app.language')}
      data-testid="language"
      value={asLanguage(i18n.language)}
      data={[
        { value: 'vi', label: 'VI' },
        { value: 'en', label: 'EN' },
      ]}
      onChange={(value) => {
        // What the node said is said again in the new language.
        void chooseLanguage(asLanguage(value)).then(
          () => client.invalidateQueries(),
          // The switch stays where it is: the words could not be fetched.
          () => undefined,
        );
      }}
    />
  );
}

function Me() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { data: session } = useQuery(sessionQuery);
  const leave = async () => {
    // Whatever the node says, this browser shows nothing more.
    await logOut().catch(() => undefined);
    await navigate({ to: '/login' });
    client.clear();
    client.setQueryData(keys.session, null);
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <UnstyledButton
          className={classes.me}
          aria-label={t('app.me', { user: session?.user ?? '' })}
          data-testid="me"
        >
          <IconUserCircle size={22} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {session?.user} · {roleWord(session?.role, t)}
        </Menu.Label>
        <Menu.Item leftSection={<IconLogout size={16} />} data-testid="log-out" onClick={() => void leave()}>
          {t('app.logOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function roleWord(role: string | undefined, t: ReturnType<typeof useTranslation>['t']): string {
  return role === 'admin' || role === 'officer' || role === 'viewer' ? t(`app.role.${role}`) : (role ?? '');
}
