import { lazyRouteComponent } from '@tanstack/react-router';
import classes from './LoginFrame.module.css';
import { LanguageSwitch } from './Shell';

const LoginPage = lazyRouteComponent(() => import('../features/session/LoginPage'));

/** The login with the language switch at hand: who cannot read it cannot log in. */
export function LoginFrame() {
  return (
    <div className={classes.frame}>
      <div className={classes.corner}>
        <LanguageSwitch />
      </div>
      <LoginPage />
    </div>
  );
}
