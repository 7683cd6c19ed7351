//! When a check is made again that failed for what may pass in a moment: never beyond the deadline of the
//! look, and never where the answer was clear.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::RetryConfig;
use crate::net::{HttpFailure, NetError, ResolveFailure};

/// The attempts of one check.
#[derive(Debug)]
pub struct Retries<'a> {
    config: &'a RetryConfig,
    deadline: Instant,
    made: u32,
}

impl<'a> Retries<'a> {
    /// Attempts that end at the deadline.
    pub fn new(config: &'a RetryConfig, deadline: Instant) -> Self {
        Self {
            config,
            deadline,
            made: 0,
        }
    }

    /// Makes attempts until one succeeds, or fails so that no other would do better, or there is to be no
    /// other.
    ///
    /// # Errors
    /// That of the last attempt.
    pub async fn run<T, E, Attempt>(
        mut self,
        may_pass: impl Fn(&E) -> bool,
        mut attempt: impl FnMut() -> Attempt,
    ) -> Result<T, E>
    where
        Attempt: Future<Output = Result<T, E>>,
    {
        loop {
            let result = attempt().await;
            let is_final = !result.as_ref().is_err_and(&may_pass);
            if is_final || !self.again().await {
                return result;
            }
        }
    }

    /// Waits for the time of the next attempt; `false` when there is to be none.
    async fn again(&mut self) -> bool {
        if self.made >= self.config.max_attempts {
            return false;
        }
        let delay = self.delay(rand::random());
        if Instant::now() + delay >= self.deadline {
            return false;
        }
        self.made += 1;
        sleep(delay).await;
        true
    }

    /// The pause before the next attempt; `luck` from 0 to 1 lengthens it.
    fn delay(&self, luck: f64) -> Duration {
        let doublings = self.made.min(31);
        let nominal = self.config.initial_delay.saturating_mul(1 << doublings);
        nominal.min(self.config.max_delay) + self.config.jitter.mul_f64(luck)
    }
}

/// Whether the next attempt may end otherwise. Who says `429` wants to be left in peace, and a certificate
/// does not become valid within seconds.
pub fn may_pass(failure: &NetError) -> bool {
    match failure {
        NetError::Connect { .. } | NetError::Proxy { .. } | NetError::Tls { .. } => true,
        NetError::Resolve { failure, .. } => matches!(failure, ResolveFailure::Servers(_)),
        NetError::Upgrade { status, .. } => matches!(status, Some(500..=599)),
        NetError::Http { failure, .. } => matches!(failure, HttpFailure::Broken(_)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: RetryConfig = RetryConfig {
        max_attempts: 3,
        initial_delay: Duration::from_secs(1),
        max_delay: Duration::from_secs(3),
        jitter: Duration::from_millis(500),
    };

    #[test]
    fn pauses_double_up_to_a_bound() {
        let delay = |made, luck| {
            let retries = Retries {
                made,
                ..Retries::new(&CONFIG, Instant::now())
            };
            retries.delay(luck).as_millis()
        };
        assert_eq!(
            [0, 1, 2, 100].map(|made| delay(made, 0.0)),
            [1_000, 2_000, 3_000, 3_000]
        );
        assert_eq!(delay(0, 1.0), 1_500);
    }

    #[tokio::test]
    async fn attempts_end_at_their_number_or_at_the_deadline() {
        let quick = RetryConfig {
            initial_delay: Duration::from_millis(1),
            jitter: Duration::ZERO,
            ..CONFIG
        };
        let later = Instant::now() + Duration::from_secs(60);
        for (config, deadline, attempts) in [
            (&quick, later, 4),
            // The first pause would end too late.
            (&CONFIG, Instant::now() + Duration::from_millis(999), 1),
        ] {
            let mut made = 0;
            let attempt = || {
                made += 1;
                async { Err::<(), _>(()) }
            };
            let result = Retries::new(config, deadline).run(|()| true, attempt);
            assert_eq!(result.await, Err(()));
            assert_eq!(made, attempts);
        }
    }

    #[tokio::test]
    async fn a_clear_answer_is_the_last() {
        let later = Instant::now() + Duration::from_secs(60);
        for result in [Ok(1), Err(2)] {
            let mut made = 0;
            let attempt = || {
                made += 1;
                async move { result }
            };
            let told = Retries::new(&CONFIG, later).run(|_: &i32| false, attempt);
            assert_eq!(told.await, result);
            assert_eq!(made, 1);
        }
    }
}
