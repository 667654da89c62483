//! The daily reminder's schedule of one enterprise, in EventBridge Scheduler.

use crate::domain::ids::EnterpriseId;
use crate::domain::schedule::daily_expression;
use crate::error::{Error, Result};
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState, Target};

/// How many minutes after the hour EventBridge may choose, so that not all mails leave in one minute.
const WINDOW_MINUTES: i32 = 15;

/// EventBridge Scheduler with the deployment's group, role and target.
#[derive(Clone, Debug)]
pub struct Scheduler {
    client: Client,
    group: String,
    role_arn: String,
    target_arn: String,
}

impl Scheduler {
    /// A scheduler over one client.
    #[must_use]
    pub fn new(client: Client, group: String, role_arn: String, target_arn: String) -> Self {
        Self {
            client,
            group,
            role_arn,
            target_arn,
        }
    }

    /// Sees to it that the enterprise has its daily schedule, in its time zone.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn ensure(&self, enterprise: &EnterpriseId, zone: &str) -> Result<()> {
        let failed = |error: aws_sdk_scheduler::error::BuildError| Error::upstream("describe a schedule", error);
        let window = FlexibleTimeWindow::builder()
            .mode(FlexibleTimeWindowMode::Flexible)
            .maximum_window_in_minutes(WINDOW_MINUTES)
            .build()
            .map_err(failed)?;
        // The scheduled time makes each day's event tell itself apart from its own repetitions.
        let input = format!(r#"{{"enterprise":"{enterprise}","scheduled":"<aws.scheduler.scheduled-time>"}}"#);
        let target = Target::builder()
            .arn(&self.target_arn)
            .role_arn(&self.role_arn)
            .input(input)
            .build()
            .map_err(failed)?;
        let created = self
            .client
            .create_schedule()
            .name(name(enterprise))
            .group_name(&self.group)
            .schedule_expression(daily_expression())
            .schedule_expression_timezone(zone)
            .flexible_time_window(window.clone())
            .target(target.clone())
            .state(ScheduleState::Enabled)
            .send()
            .await;
        match created {
            Ok(_) => return Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conflict_exception()) => {}
            Err(error) => return Err(Error::upstream("create a schedule", error)),
        }
        // It exists: the zone may have changed since.
        self.client
            .update_schedule()
            .name(name(enterprise))
            .group_name(&self.group)
            .schedule_expression(daily_expression())
            .schedule_expression_timezone(zone)
            .flexible_time_window(window)
            .target(target)
            .state(ScheduleState::Enabled)
            .send()
            .await
            .map(drop)
            .map_err(|error| Error::upstream("update a schedule", error))
    }

    /// Sees to it that the enterprise has no schedule.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn remove(&self, enterprise: &EnterpriseId) -> Result<()> {
        match self
            .client
            .delete_schedule()
            .name(name(enterprise))
            .group_name(&self.group)
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_resource_not_found_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(Error::upstream("delete a schedule", error)),
        }
    }
}

/// The schedule's name.
#[must_use]
pub fn name(enterprise: &EnterpriseId) -> String {
    format!("reminder-{enterprise}")
}
